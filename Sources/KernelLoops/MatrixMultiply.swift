import Kernels

enum MatrixMultiply: MatrixMultiplyKernels {
  static var panelWidth: Int { 16 }

  @inline(never)
  static func pack(
    _ rows: Floats, stride: Int, count: Int, depth: Int, panel: MutableFloats
  ) {
    for half in 0..<2 {
      let first = half &* 8
      func row(_ index: Int) -> Floats { rows + (min(first &+ index, count &- 1) &* stride) }
      let r0 = row(0), r1 = row(1), r2 = row(2), r3 = row(3)
      let r4 = row(4), r5 = row(5), r6 = row(6), r7 = row(7)
      var target = panel + first
      for k in 0..<depth {
        store(Lanes(r0[k], r1[k], r2[k], r3[k], r4[k], r5[k], r6[k], r7[k]), target)
        target += 16
      }
    }
  }

  @inline(never)
  static func accumulate(
    weights: Floats, stride: Int, rows: Int, panel: Floats, depth: Int, sums: MutableFloats
  ) {
    Tile.accumulate(rows: rows, weights, stride, panel, 16, depth: depth, sums, 16)
  }

  @inline(never)
  static func write(
    sums: Floats, rows: Int, tokens: Int, bias: Floats?, target: MutableFloats, stride: Int
  ) {
    for token in 0..<tokens {
      let source = sums + token
      let row = target + (token &* stride)
      if let bias {
        for index in 0..<rows { row[index] = source[index &* 16] + bias[index] }
      } else {
        for index in 0..<rows { row[index] = source[index &* 16] }
      }
    }
  }
}
