import Kernels

/// Sums of weight rows as rows of tokens.
enum SumRows {
  /// Writes sums to the rows of the result, with the bias added.
  /// - Shape: `sums` `[rows, tokens]`, `bias` `[rows]`, `target` `[tokens, rows]`.
  @inline(__always)
  static func write(
    _ sums: FloatRows, rows: Int, tokens: Int, bias: Floats?, target: MutableFloatRows
  ) {
    var whole = 0
    while whole &+ width <= tokens {
      var row = 0
      while row &+ width <= rows {
        Transposition.square(
          sums[row] + whole, stride: sums.stride, target: target[whole] + row,
          targetStride: target.stride)
        row &+= width
      }
      for token in whole..<whole &+ width { writeRest(sums, token, row, rows, target) }
      whole &+= width
    }
    for token in whole..<max(tokens, whole) { writeRest(sums, token, 0, rows, target) }
    guard let bias else { return }
    for token in 0..<tokens {
      for row in 0..<rows { target[token][row] += bias[row] }
    }
  }

  @inline(__always)
  private static func writeRest(
    _ sums: FloatRows, _ token: Int, _ first: Int, _ rows: Int, _ target: MutableFloatRows
  ) {
    let result = target[token]
    for row in first..<max(rows, first) { result[row] = sums[row][token] }
  }
}
