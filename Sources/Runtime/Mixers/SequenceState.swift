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
  var layers: [LayerState]

  enum LayerState {
    case attention(KeyValueCache)
    case recurrent(RecurrentState)
    case none
  }

  /// The state of a recurrent layer.
  func recurrent(_ layer: Int) -> RecurrentState {
    guard case .recurrent(let state) = layers[layer] else { preconditionFailure("no recurrence") }
    return state
  }

  /// The state of an attention layer.
  func cache(_ layer: Int) -> KeyValueCache {
    guard case .attention(let cache) = layers[layer] else { preconditionFailure("no attention") }
    return cache
  }

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
    layers = try model.layers.map {
      switch $0.mixer {
      case .attention(let block):
        .attention(try block.makeCache(capacity: capacity, segmentLength: segmentLength))
      case .gatedDeltaNet(let block): .recurrent(try block.makeState())
      case .m2rnn(let block): .recurrent(try block.makeState())
      case .carried: .none
      }
    }
  }

  private init(copying other: SequenceState) throws {
    (model, capacity, segmentLength) = (other.model, other.capacity, other.segmentLength)
    position = other.position
    layers = try other.layers.map {
      switch $0 {
      case .attention(let cache): .attention(try cache.copy(position: other.position))
      case .recurrent(let state): .recurrent(try state.copy())
      case .none: .none
      }
    }
  }

  /// A state of its own that stands at the same position.
  /// - Throws: `Problem` of kind `io` where memory is short.
  /// - Cost: copies what the sequence has filled.
  public func copy() throws -> SequenceState { try SequenceState(copying: self) }

  /// Goes on after layers that ran one by one.
  /// - Parameter count: the tokens that they ran on.
  public func advance(by count: Int) { position += count }

  /// Goes back to the empty sequence, without new memory.
  public func reset() {
    position = 0
    for case .recurrent(let state) in layers { state.reset() }
  }

  /// The memory of the state, at full capacity.
  /// - Units: bytes.
  public var byteCount: Int { layers.indices.reduce(0) { $0 + byteCount(layer: $1) } }

  /// The memory of one layer's state, at full capacity.
  /// - Units: bytes.
  public func byteCount(layer: Int) -> Int {
    switch layers[layer] {
    case .attention(let cache): cache.byteCount
    case .recurrent(let state): state.byteCount
    case .none: 0
    }
  }
}
