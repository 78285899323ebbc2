/// The positions whose logits a caller wants.
public enum LogitsSelection: Sendable {
  /// Every position of a segment.
  case all
  /// The last position only.
  case last
  /// None; the state advances and observers are called.
  case none
}
