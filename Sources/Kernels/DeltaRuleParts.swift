// Declared here for the reason that `TileProduct` is.

/// What one step of a chunk of the delta rule is solved from.
public struct DeltaRuleStep {
  /// The step within the chunk.
  public let index: Int
  /// The decay since the state before the chunk.
  public let kept: Float
  /// The learning rate.
  public let beta: Float
  /// The decay since each earlier step, `[chunk]`.
  public let decays: Floats
  /// The products of the key and of the query with every key, `[chunk]`.
  public let kk, qk: Floats

  /// A step from its parts.
  @inlinable
  public init(index: Int, kept: Float, beta: Float, decays: Floats, kk: Floats, qk: Floats) {
    (self.index, self.kept, self.beta) = (index, kept, beta)
    (self.decays, self.kk, self.qk) = (decays, kk, qk)
  }
}

/// Where the parts of a packed chunk of the delta rule with decays for channels lie, in rows of dk values filled up with
/// zeros to whole vectors.
public struct ChannelDeltaRuleParts {
  /// The values of a row.
  public let length: Int
  /// Keys and queries as they read the state before the chunk, `[2 chunk]`.
  public let readers: MutableFloatRows
  /// Keys as they are written into the state after it, `[chunk]`.
  public let writers: MutableFloatRows
  /// Queries and decays as they came, `[chunk]`.
  public let queries, gamma: MutableFloatRows
  /// What is left of the state itself, and what the first half of the chunk leaves of it.
  public let kept, keptFirst: MutableFloats
  /// Keys of the first half in the middle of the chunk, as columns, `[length, panel]`.
  public let turned: MutableFloats
  /// Products of keys and of queries with earlier keys, `[2 chunk, chunk]`.
  public let products: MutableFloats

  /// The values that all parts take.
  @inlinable @inline(__always)
  public static func count(length: Int, chunk: Int, panel: Int) -> Int {
    length &* (5 &* chunk &+ 2 &+ panel) &+ 2 &* chunk &* chunk
  }

  /// The parts from an address on.
  @inlinable @inline(__always)
  public init(_ start: MutableFloats, length: Int, chunk: Int, panel: Int) {
    self.length = length
    readers = MutableFloatRows(start, stride: length)
    writers = MutableFloatRows(readers[2 &* chunk], stride: length)
    queries = MutableFloatRows(writers[chunk], stride: length)
    gamma = MutableFloatRows(queries[chunk], stride: length)
    (kept, keptFirst, turned) = (gamma[chunk], gamma[chunk &+ 1], gamma[chunk &+ 2])
    products = turned + (length &* panel)
  }
}
