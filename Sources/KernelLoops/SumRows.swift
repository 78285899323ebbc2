import Kernels

/// Sums of weight rows as rows of tokens.
enum SumRows {
  /// Writes sums to the rows of the result, with the bias added.
  /// - Shape: `sums` `[rows, tokens]`, `bias` `[rows]`, `target` `[tokens, rows]`.
  @inline(__always)
  static func write(
    _ sums: FloatRows, rows: Int, tokens: Int, bias: Floats?, target: MutableFloatRows
  ) {
    Transposition.matrix(sums, rows: rows, columns: tokens, target: target)
    guard let bias else { return }
    for token in 0..<tokens {
      for row in 0..<rows { target[token][row] += bias[row] }
    }
  }
}
