/// A part of a model whose norms are stored by one rule.
public enum NormPart: CaseIterable, Sendable {
  /// The layers and the final norm.
  case trunk
  /// Multi-token prediction.
  case prediction

  /// The part in the words of a report.
  public var subject: String {
    switch self {
    case .trunk: "norms"
    case .prediction: "norms of multi-token prediction"
    }
  }
}

/// The norms of one role in one part of a model.
public struct NormKey: Hashable, Sendable {
  /// The part.
  public let part: NormPart
  /// The role.
  public let role: String

  /// Norms of a part by their role.
  public init(_ part: NormPart, _ role: String) { (self.part, self.role) = (part, role) }
}
