/// The tokens that go through the model together, of one sequence or of several.
struct Segment {
  /// The tokens of one sequence.
  struct Slice {
    /// Their places among the tokens of the segment.
    let rows: Range<Int>
    /// The position of the first of them in its sequence.
    let start: Int
    /// What the mixers of the layers carry in it.
    let states: [(any MixerState)?]
    /// What n-gram embeddings of the layers carry in it.
    let ngrams: [NgramState?]
    /// The tokens themselves.
    let tokens: ArraySlice<Int>

    /// Their positions in the sequence.
    var positions: Range<Int> { start..<start + rows.count }
  }

  let slices: [Slice]
  /// `[count, dim / 2]` of one table of RoPE after the other.
  let cosines: UnsafePointer<Float>
  let sines: UnsafePointer<Float>

  /// The number of tokens.
  var count: Int { slices.last?.rows.upperBound ?? 0 }
}

/// Some rows of a result, one per position, valid during the call that hands them out.
public struct Rows {
  /// The index of the sequence among those that run together; 0 for a single one.
  public let sequence: Int
  /// The positions in the sequence.
  public let positions: Range<Int>
  /// The number of values of a row.
  public let width: Int
  /// `[positions, width]`
  public let values: UnsafeBufferPointer<Float>

  init(
    _ sequence: Int, _ positions: Range<Int>, width: Int, _ start: UnsafePointer<Float>
  ) {
    self.sequence = sequence
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
