/// The tokens that go through the model together.
struct Segment {
  /// Their positions in the sequence.
  let positions: Range<Int>
  /// `[count, dim / 2]` of one table of RoPE after the other.
  let cosines: UnsafePointer<Float>
  let sines: UnsafePointer<Float>

  var start: Int { positions.lowerBound }
  var count: Int { positions.count }
}

/// Some rows of a result, one per position, valid during the call that hands them out.
public struct Rows {
  /// The positions in the sequence.
  public let positions: Range<Int>
  /// The number of values of a row.
  public let width: Int
  /// `[positions, width]`
  public let values: UnsafeBufferPointer<Float>

  init(_ positions: Range<Int>, width: Int, _ start: UnsafePointer<Float>) {
    self.positions = positions
    self.width = width
    values = UnsafeBufferPointer(start: start, count: positions.count * width)
  }

  /// The values of one position of the sequence.
  public subscript(position: Int) -> UnsafeBufferPointer<Float> {
    let row = position - positions.lowerBound
    return UnsafeBufferPointer(rebasing: values[row * width..<(row + 1) * width])
  }
}
