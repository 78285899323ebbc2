/// How floats lie in memory as parts, the factors of products in tiles.
///
/// The processor multiplies tiles of BF16 and adds up in F32. A float is the sum of three BF16, each the
/// rounding of what those before leave: 24 bits in three times eight. Of their products those count that
/// reach the precision of F32: part `i` of the weights with part `j` of the tokens where `i + j < 3`.
/// Weights that are BF16 have one part, which is multiplied with all three of the tokens.
///
/// A tile has 16 rows of 64 bytes. Weights and tokens go in pairs of tiles: a band of 32 weight rows, a
/// panel of 32 tokens, both in steps of 32 columns.
public enum PartShape {
  /// The weight rows of a band, half of them in each tile.
  public static let band = 32
  /// The tokens of a panel, half of them in each tile.
  public static let panel = 32
  /// The columns of a step.
  public static let step = 32
  /// The most BF16 that a float is the sum of.
  public static let parts = 3
  /// The bytes of a row of a tile.
  public static let rowBytes = 64
  /// The bytes of a tile.
  public static let tileBytes = 16 * rowBytes
  /// The bytes of one part of a band or panel in one step.
  public static let pairBytes = 2 * tileBytes

  /// The steps that some columns take; what the last one lacks is zero.
  @inlinable
  public static func steps(_ columns: Int) -> Int { (columns + step - 1) / step }
}

/// What splits floats into parts and writes the sums of their products.
public protocol PartKernels: SendableMetatype {
  /// Splits as many rows of activations as a panel has, or fewer.
  ///
  /// Missing rows of a tile repeat the last one; their results are never read. A tile without rows is left as it is.
  /// - Shape: `rows` `[count, depth]`, `panel` `[steps, parts, pair]`.
  /// - Parameter scratch: a tile of each part.
  static func splitTokens(
    _ rows: FloatRows, count: Int, depth: Int, panel: UnsafeMutableRawPointer,
    scratch: UnsafeMutableRawPointer)

  /// Splits as many rows of weights as a band has, or fewer.
  ///
  /// Missing rows repeat the last one; their results are never read.
  /// - Shape: `rows` `[count, depth]`, `band` `[parts, steps, pair]`.
  /// - Returns: the number of parts behind which all values are zero.
  static func splitWeights(
    _ rows: FloatRows, count: Int, depth: Int, band: UnsafeMutableRawPointer
  ) -> Int

  /// Writes finished sums to the rows of the result, with the bias added.
  ///
  /// - Shape: `sums` `[rows, panel]`, `bias` `[rows]`, `target` `[tokens, rows]`.
  static func write(
    sums: Floats, rows: Int, tokens: Int, bias: Floats?, target: MutableFloatRows)
}
