/// What layouts store in different ways, in the order in which reports tell of it.
///
/// A role says which of them its stored tensor shows.
public enum FormAspect: String, CaseIterable, Sendable {
  /// Which projections share a tensor.
  case projections
  /// With which other projections the projections to single numbers share a tensor.
  case gates
  /// Which projections of attention share a tensor.
  case attention
  /// The shape of convolution weights.
  case convolution
  /// How the value heads of one key head lie.
  case valueHeads = "value heads"
  /// Whether experts share a tensor.
  case experts
  /// What is added to norms.
  case norms
  /// Whether the decay is stored as a logarithm.
  case decay = "A_log"
}
