import Kernels

enum MatrixMultiply: MatrixMultiplyKernels {
  static var panelWidth: Int { Tile.columns }

  @inline(never)
  static func pack(
    _ rows: Floats, stride: Int, count: Int, depth: Int, panel: MutableFloats
  ) {
    guard count == panelWidth else {
      return packPart(rows, stride, count, 0, depth, panel)
    }
    var k = 0
    while k &+ width <= depth {
      let target = panel + (k &* panelWidth)
      Transposition.square(rows + k, stride: stride, target: target, targetStride: panelWidth)
      let upper = rows + ((width &* stride) &+ k)
      Transposition.square(
        upper, stride: stride, target: target + width, targetStride: panelWidth)
      k &+= width
    }
    packPart(rows, stride, count, k, depth, panel)
  }

  /// Packs the columns from `first` on, one value at a time.
  @inline(__always)
  private static func packPart(
    _ rows: Floats, _ stride: Int, _ count: Int, _ first: Int, _ depth: Int, _ panel: MutableFloats
  ) {
    for k in first..<max(depth, first) {
      let target = panel + (k &* panelWidth)
      for row in 0..<panelWidth { target[row] = rows[(min(row, count &- 1) &* stride) &+ k] }
    }
  }

  @inline(never)
  static func accumulate(
    weights: Floats, stride: Int, rows: Int, panel: Floats, depth: Int, sums: MutableFloats
  ) {
    Tile.accumulate(
      rows: rows, weights, stride, panel, panelWidth, depth: depth, sums, panelWidth)
  }

  @inline(never)
  static func write(
    sums: Floats, rows: Int, tokens: Int, bias: Floats?, target: MutableFloats, stride: Int
  ) {
    var row = 0
    if tokens == panelWidth {
      while row &+ width <= rows {
        let source = sums + (row &* panelWidth)
        let lower = target + row
        Transposition.square(source, stride: panelWidth, target: lower, targetStride: stride)
        Transposition.square(
          source + width, stride: panelWidth, target: lower + (width &* stride),
          targetStride: stride)
        row &+= width
      }
    }
    for token in 0..<tokens {
      let result = target + (token &* stride)
      for index in row..<max(rows, row) { result[index] = sums[(index &* panelWidth) &+ token] }
      if let bias { for index in 0..<rows { result[index] += bias[index] } }
    }
  }
}
