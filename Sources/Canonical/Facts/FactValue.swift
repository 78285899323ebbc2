/// The value of one fact about a model, as layouts read and write it.
public enum FactValue: Hashable, Sendable {
  /// The fact does not apply or is left to its default.
  case none
  case flag(Bool)
  case integer(Int)
  case number(Double)
  case word(String)

  /// The value as people write it in a condition or a message.
  public var text: String {
    switch self {
    case .none: "none"
    case .flag(let value): value ? "true" : "false"
    case .integer(let value): String(value)
    case .number(let value): "\(value)"
    case .word(let value): value
    }
  }

  /// Whether both mean the same; an integer equals the number of the same value.
  public func means(_ other: FactValue) -> Bool {
    switch (self, other) {
    case (.integer(let a), .number(let b)), (.number(let b), .integer(let a)): Double(a) == b
    default: self == other
    }
  }
}

/// The facts about a model or one of its layers, by name.
public typealias Facts = [String: FactValue]
