/// Causal attention of a few queries over one block of 64 keys, normalised online.
///
/// The matrix of all scores never exists: a block updates the running maximum, sum and weighted
/// values of each query. The query heads that share a key/value head go together, so that a block is
/// read once for all of them. Keys are stored transposed in panels of some positions,
/// `[64/panel][hd][panel]`, values as rows padded to a multiple of a panel, `[64][hdp]`.
public protocol AttentionKernels: SendableMetatype {
  /// The positions of a block.
  static var blockLength: Int { get }

  /// The most rows, positions times heads, of one call.
  static var rows: Int { get }

  /// The positions of a panel of keys.
  static var panelWidth: Int { get }

  /// Adds one block of keys and values to the running results.
  /// - Cost: `256 · rows · hd` operations.
  static func add(_ keys: AttentionKeys, _ queries: AttentionQueries, to sums: AttentionSums)
}

/// Queries at consecutive positions, of the heads that share keys.
public struct AttentionQueries {
  /// `[positions, heads, hd]`, scaled.
  public let values: Floats
  /// The number of positions.
  public let positions: Int
  /// The number of heads.
  public let heads: Int
  /// The first position.
  public let first: Int
  /// How many positions a query sees, the last of them its own.
  public let window: Int

  /// Queries from their parts.
  @inlinable
  public init(_ values: Floats, positions: Int, heads: Int, first: Int, window: Int) {
    (self.values, self.positions, self.heads) = (values, positions, heads)
    (self.first, self.window) = (first, window)
  }
}

/// The keys and values of 64 consecutive positions.
public struct AttentionKeys {
  /// `[64/panel, hd, panel]`
  public let keys: Floats
  /// `[64, hdp]`
  public let values: Floats
  /// The position of the first key.
  public let first: Int
  /// The values of a key.
  public let hd: Int
  /// The distance of rows of values.
  public let hdp: Int

  /// A block from its parts.
  @inlinable
  public init(keys: Floats, values: Floats, first: Int, hd: Int, hdp: Int) {
    (self.keys, self.values, self.first, self.hd, self.hdp) = (keys, values, first, hd, hdp)
  }
}

/// What is known of the results of some rows, positions times heads, after some blocks of keys.
public struct AttentionSums {
  /// The scores of one block, `[rows, 64]`.
  public let scores: MutableFloats
  /// The largest score so far, `[rows]`.
  public let top: MutableFloats
  /// The sum of weights so far, `[rows]`.
  public let total: MutableFloats
  /// The sum of weighted values so far, `[rows, hdp]`.
  public let values: MutableFloats

  /// Results in the given places.
  @inlinable
  public init(
    scores: MutableFloats, top: MutableFloats, total: MutableFloats, values: MutableFloats
  ) {
    (self.scores, self.top, self.total, self.values) = (scores, top, total, values)
  }
}
