import Canonical
import Diagnostics

/// What one sequence carries from token to token: keys and values, convolution inputs, matrices.
public final class SequenceState {
  /// The number of tokens that have been run.
  public internal(set) var position = 0
  /// The most positions the sequence may have, where the model has attention over all of them.
  public let capacity: Int
  /// The most tokens of one segment.
  public let segmentLength: Int

  let model: Model
  /// What the mixer of each layer carries; nil where it carries nothing.
  let states: [(any MixerState)?]
  /// What the n-gram embeddings of each layer carry; nil where it has none.
  let ngrams: [NgramState?]

  /// The state of an empty sequence.
  ///
  /// - Parameters:
  ///   - capacity: the most positions; reserved at once, touched as they are used.
  ///   - segmentLength: the most tokens of one segment.
  /// - Throws: `Problem` of kind `io` where memory is short.
  public init(_ model: Model, capacity: Int, segmentLength: Int = 256) throws {
    self.model = model
    self.capacity = capacity
    self.segmentLength = segmentLength
    states = try model.layers.map {
      try $0.mixer?.makeState(capacity: capacity, segmentLength: segmentLength)
    }
    ngrams = try model.layers.map { try $0.ngrams?.makeState() }
  }

  private init(copying other: SequenceState) throws {
    (model, capacity, segmentLength) = (other.model, other.capacity, other.segmentLength)
    position = other.position
    states = try other.states.map { try $0?.copy(position: other.position) }
    ngrams = try other.ngrams.map { try $0?.copy() }
  }

  /// A state of its own that stands at the same position.
  /// - Throws: `Problem` of kind `io` where memory is short.
  /// - Cost: copies what the sequence has filled.
  public func copy() throws -> SequenceState { try SequenceState(copying: self) }

  /// Advances the position after layers that ran one by one.
  /// - Parameter count: the tokens that they ran on.
  public func advance(by count: Int) { position += count }

  /// Goes back to the empty sequence, without new memory.
  public func reset() {
    position = 0
    for state in states { state?.reset() }
    for state in ngrams { state?.reset() }
  }

  /// The memory of the state, at full capacity.
  /// - Units: bytes.
  public var byteCount: Int { states.indices.reduce(0) { $0 + byteCount(layer: $1) } }

  /// The memory of one layer's state, at full capacity.
  /// - Units: bytes.
  public func byteCount(layer: Int) -> Int {
    (states[layer]?.byteCount ?? 0) + (ngrams[layer]?.byteCount ?? 0)
  }
}
