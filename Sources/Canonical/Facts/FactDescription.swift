/// The name of a fact and the values it can have, as layout files may use it.
public struct FactDescription: Hashable, Sendable {
  /// The name that layout files use, such as `gdn.k_heads`.
  public let name: String
  /// The kind of its values.
  public let kind: FactKind
  /// Whether it may have no value.
  public let isOptional: Bool
  /// Whether it follows from other facts, so that setting it does nothing.
  public let isDerived: Bool
  /// The words it can be; empty for any word, and for values of other kinds.
  public let words: [String]

  init(
    _ name: String, _ kind: FactKind, isOptional: Bool = false, isDerived: Bool = false,
    words: [String] = []
  ) {
    (self.name, self.kind, self.words) = (name, kind, words)
    (self.isOptional, self.isDerived) = (isOptional, isDerived)
  }

  init<Word: RawRepresentable<String> & CaseIterable>(
    _ name: String, words: Word.Type, isOptional: Bool = false, isDerived: Bool = false
  ) {
    self.init(
      name, .word, isOptional: isOptional, isDerived: isDerived,
      words: Word.allCases.map(\.rawValue))
  }

  /// Whether the fact can have a value.
  public func allows(_ value: FactValue) -> Bool {
    if case .none = value { return isOptional }
    guard case .word(let word) = value, !words.isEmpty else { return kind.holds(value) }
    return words.contains(word)
  }

  /// The values in words, such as `rmsnorm, layernorm, null`.
  public var text: String {
    ((words.isEmpty ? [kind.text] : words) + (isOptional ? ["null"] : [])).joined(separator: ", ")
  }
}
