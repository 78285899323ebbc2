/// Which values a fact can have.
public enum FactKind: Sendable {
  case flag
  case integer
  case number
  case word

  /// The kind in words, such as `a whole number`.
  public var text: String {
    switch self {
    case .flag: "true or false"
    case .integer: "a whole number"
    case .number: "a number"
    case .word: "a text"
    }
  }

  /// Whether a value is of the kind; a whole number is a number, too.
  public func holds(_ value: FactValue) -> Bool {
    switch (self, value) {
    case (.flag, .flag), (.integer, .integer), (.number, .integer), (.number, .number),
      (.word, .word):
      true
    default: false
    }
  }
}
