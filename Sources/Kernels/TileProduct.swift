/// `C = keeping · C + A B`, for one panel of B and C, or `C = Diag(kept) C + A B`.
///
/// The loops multiply it. It is declared here because a structure that they declare would get copy
/// functions with instructions of newer processors, under names that other modules have too.
public struct TileProduct {
  /// `[rows, depth]`
  public let a: FloatRows
  /// The distance of columns of A.
  public var aStep: Int
  /// `[depth, panel]`
  public let b: FloatRows
  /// `[rows, panel]`
  public let c: MutableFloatRows
  /// The number of rows of A and C.
  public let rows: Int
  /// The number of columns of A and rows of B.
  public let depth: Int
  /// What C counts as before.
  public var keeping: Float
  /// What each row of C counts as before, in place of `keeping`; nil for that.
  public let kept: Floats?

  /// A product from its parts.
  @inlinable
  public init(
    a: FloatRows, aStep: Int = 1, b: FloatRows, c: MutableFloatRows, rows: Int, depth: Int,
    keeping: Float = 1, kept: Floats? = nil
  ) {
    (self.a, self.aStep, self.b, self.c) = (a, aStep, b, c)
    (self.rows, self.depth, self.keeping, self.kept) = (rows, depth, keeping, kept)
  }
}
