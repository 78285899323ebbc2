/// Something of a source that its output does not have.
public struct LeftOut: Sendable {
  /// What it is, in the word that counts it.
  public enum Kind: String, Sendable {
    case tensor, value, key, file
  }

  /// What it is.
  public let kind: Kind
  /// Its name.
  public let name: String
  /// Why it is left out, or the option that says so.
  public let reason: String

  init(_ kind: Kind, _ name: String, _ reason: String) {
    (self.kind, self.name, self.reason) = (kind, name, reason)
  }
}
