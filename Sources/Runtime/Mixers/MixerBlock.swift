/// A token mixer with its weights, as a layer runs it.
///
/// A layer calls its mixer once per segment; inside, blocks call kernels and each other by their types.
protocol MixerBlock: Sendable {
  /// Whether the state holds every position, so that a sequence cannot be longer than its capacity.
  var keepsEveryPosition: Bool { get }

  /// The values that one worker needs.
  var workerScratch: Int { get }

  /// The state of an empty sequence; nil where nothing is carried from token to token.
  /// - Parameters:
  ///   - capacity: the most positions.
  ///   - segmentLength: the most tokens of one segment.
  /// - Throws: `Problem` of kind `io` where memory is short.
  func makeState(capacity: Int, segmentLength: Int) throws -> (any MixerState)?

  /// Takes the scratch memory of a segment.
  func measure(tokens t: Int, _ arena: inout Arena)

  /// Mixes the tokens of a segment, each sequence from where its state stands.
  /// - Shape: `x` and `output` `[t, H]`.
  func forward(
    _ x: UnsafePointer<Float>, _ segment: Segment, layer: Int, _ workspace: Workspace,
    output: UnsafeMutablePointer<Float>)
}

extension MixerBlock {
  var keepsEveryPosition: Bool { false }
}
