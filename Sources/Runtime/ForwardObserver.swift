/// What a caller wants to see of a forward pass beside the logits.
///
/// Rows are valid during the call only.
public struct ForwardObserver {
  /// Called with the residual stream: index 0 after the embedding, index i after layer i - 1.
  /// - Shape: `[segment, S·H]`.
  public var hidden: ((_ index: Int, _ rows: Rows) throws -> Void)?
  /// Called with what a layer's mixer read and wrote, before residual scale and later norm.
  /// - Shape: `[segment, H]` each.
  public var mixer: ((_ layer: Int, _ input: Rows, _ output: Rows) throws -> Void)?

  /// An observer of what is given.
  public init(
    hidden: ((_ index: Int, _ rows: Rows) throws -> Void)? = nil,
    mixer: ((_ layer: Int, _ input: Rows, _ output: Rows) throws -> Void)? = nil
  ) {
    self.hidden = hidden
    self.mixer = mixer
  }
}
