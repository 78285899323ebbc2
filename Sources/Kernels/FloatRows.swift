/// Rows of values at one distance from each other, which a kernel reads.
///
/// How many rows there are and how many values of each are read, the kernel says.
public struct FloatRows {
  /// The first value of the first row.
  public let start: Floats
  /// The distance of rows.
  public let stride: Int

  /// Rows from an address on.
  @inlinable @inline(__always)
  public init(_ start: Floats, stride: Int) {
    (self.start, self.stride) = (start, stride)
  }

  /// The first value of a row.
  @inlinable @inline(__always)
  public subscript(row: Int) -> Floats { start + (row &* stride) }
}

/// Rows of values at one distance from each other, which a kernel writes.
public struct MutableFloatRows {
  /// The first value of the first row.
  public let start: MutableFloats
  /// The distance of rows.
  public let stride: Int

  /// Rows from an address on.
  @inlinable @inline(__always)
  public init(_ start: MutableFloats, stride: Int) {
    (self.start, self.stride) = (start, stride)
  }

  /// The first value of a row.
  @inlinable @inline(__always)
  public subscript(row: Int) -> MutableFloats { start + (row &* stride) }
}
