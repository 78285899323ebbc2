/// The positions whose logits a caller wants; of a model without a language head, whose final hidden states.
public enum LogitsSelection: Sendable {
  /// Every position of a segment.
  case all
  /// The last position only.
  case last
  /// None; the state advances and observers are called.
  case none
}
