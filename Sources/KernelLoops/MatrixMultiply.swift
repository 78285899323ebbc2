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
    SumRows.write(
      FloatRows(sums, stride: panelWidth), rows: rows, tokens: tokens, bias: bias, target: target)
  }
}
