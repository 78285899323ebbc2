import Diagnostics

/// How many tokens a vocabulary is to have.
public enum VocabularySize: Hashable, Sendable {
  /// As many as the config says, whatever rows are stored.
  case config
  /// This many.
  case tokens(Int)

  /// The most tokens; far more than any vocabulary has.
  private static let most = 1 << 24

  /// Reads a number or `config`.
  /// - Throws: `Problem` of kind `usage`.
  public init(_ text: String) throws {
    if text == "config" {
      self = .config
      return
    }
    guard let count = Int(text), (1...Self.most).contains(count) else {
      throw Problem(
        .usage, "not the size of a vocabulary", expected: "config, or 1 to \(Self.most) tokens",
        found: text, remedy: "give --vocabulary config or a number such as --vocabulary 151936")
    }
    self = .tokens(count)
  }
}
