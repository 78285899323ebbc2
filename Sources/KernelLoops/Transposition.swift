import Kernels

/// Turns rows of one vector each into columns.
enum Transposition {
  #if V4
    private typealias Square = InlineArray<16, Lanes>
  #elseif V3
    private typealias Square = InlineArray<8, Lanes>
  #else
    private typealias Square = InlineArray<4, Lanes>
  #endif

  /// `target[j, i] = source[i, j]` for as many rows and columns as a vector has lanes.
  @inline(__always)
  static func square(
    _ source: Floats, stride: Int, target: MutableFloats, targetStride: Int
  ) {
    var rows = Square { row in load(source + (row &* stride)) }
    // A perfect shuffle of all elements moves each index bit up by one; as many as there are lane
    // bits exchange row and column.
    var moved = 1
    while moved < Square.count {
      var next = rows
      for pair in 0..<Square.count / 2 {
        let (a, b) = (rows[pair], rows[pair &+ Square.count / 2])
        next[2 &* pair] = interleaved(a.lowHalf, b.lowHalf)
        next[2 &* pair &+ 1] = interleaved(a.highHalf, b.highHalf)
      }
      rows = next
      moved &*= 2
    }
    for row in 0..<Square.count { store(rows[row], target + (row &* targetStride)) }
  }

  /// `target[j, i] = source[i, j]` for all rows and columns.
  @inline(__always)
  static func matrix(_ source: FloatRows, rows: Int, columns: Int, target: MutableFloatRows) {
    var whole = 0
    while whole &+ width <= columns {
      var row = 0
      while row &+ width <= rows {
        square(
          source[row] + whole, stride: source.stride, target: target[whole] + row,
          targetStride: target.stride)
        row &+= width
      }
      for column in whole..<whole &+ width { rest(source, column, row, rows, target) }
      whole &+= width
    }
    for column in whole..<max(columns, whole) { rest(source, column, 0, rows, target) }
  }

  @inline(__always)
  private static func rest(
    _ source: FloatRows, _ column: Int, _ first: Int, _ rows: Int, _ target: MutableFloatRows
  ) {
    let result = target[column]
    for row in first..<max(rows, first) { result[row] = source[row][column] }
  }

  @inline(__always)
  private static func interleaved(_ even: HalfLanes, _ odd: HalfLanes) -> Lanes {
    var lanes = Lanes()
    lanes.evenHalf = even
    lanes.oddHalf = odd
    return lanes
  }
}
