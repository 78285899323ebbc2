import Kernels

enum MatrixMultiply: MatrixMultiplyKernels {
  static var panelWidth: Int { Tile.columns }

  @inline(never)
  static func pack(_ rows: FloatRows, count: Int, depth: Int, panel: MutableFloats) {
    guard count == panelWidth else { return packPart(rows, count, 0, depth, panel) }
    var k = 0
    while k &+ width <= depth {
      let target = panel + (k &* panelWidth)
      Transposition.square(
        rows.start + k, stride: rows.stride, target: target, targetStride: panelWidth)
      Transposition.square(
        rows[width] + k, stride: rows.stride, target: target + width, targetStride: panelWidth)
      k &+= width
    }
    packPart(rows, count, k, depth, panel)
  }

  /// Packs the columns from `first` on, one value at a time.
  @inline(__always)
  private static func packPart(
    _ rows: FloatRows, _ count: Int, _ first: Int, _ depth: Int, _ panel: MutableFloats
  ) {
    for k in first..<max(depth, first) {
      let target = panel + (k &* panelWidth)
      for row in 0..<panelWidth { target[row] = rows[min(row, count &- 1)][k] }
    }
  }

  @inline(never)
  static func accumulate(
    _ weights: FloatRows, rows: Int, panel: Floats, depth: Int, sums: MutableFloats
  ) {
    Tile.accumulate(
      TileProduct(
        a: weights, b: FloatRows(panel, stride: panelWidth),
        c: MutableFloatRows(sums, stride: panelWidth), rows: rows, depth: depth))
  }

  @inline(never)
  static func write(
    sums: Floats, rows: Int, tokens: Int, bias: Floats?, target: MutableFloatRows
  ) {
    var row = 0
    if tokens == panelWidth {
      while row &+ width <= rows {
        let source = sums + (row &* panelWidth)
        Transposition.square(
          source, stride: panelWidth, target: target.start + row, targetStride: target.stride)
        Transposition.square(
          source + width, stride: panelWidth, target: target[width] + row,
          targetStride: target.stride)
        row &+= width
      }
    }
    for token in 0..<tokens {
      let result = target[token]
      for index in row..<max(rows, row) { result[index] = sums[(index &* panelWidth) &+ token] }
      if let bias { for index in 0..<rows { result[index] += bias[index] } }
    }
  }
}
