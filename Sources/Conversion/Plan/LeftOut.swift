import Layouts

/// Something of a source that its output does not have.
public struct LeftOut: Sendable {
  /// What it is, in the word that counts it.
  public enum Kind: String, Sendable {
    case tensor, value, key, program, file
  }

  /// What it is.
  public let kind: Kind
  /// Its name.
  public let name: String
  /// Why it is left out, or the option that says so.
  public let reason: String
  /// What the tensor seems to be, if it was left out because `--allow` permits it; nil otherwise.
  public let stray: StrayTensor?

  /// Whether a report spells the name out even among many.
  public var isNamed: Bool { kind == .file || kind == .program }

  init(_ kind: Kind, _ name: String, _ reason: String, _ stray: StrayTensor? = nil) {
    (self.kind, self.name, self.reason, self.stray) = (kind, name, reason, stray)
  }

  /// A tensor that an option lets go.
  init(_ name: String, _ stray: StrayTensor) {
    let option =
      switch stray {
      case .prediction: "--mtp drop"
      case .vision: "--allow vision"
      default: "--allow extra"
      }
    self.init(.tensor, name, option, stray)
  }
}
