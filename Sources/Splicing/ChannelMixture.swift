import LinearAlgebra

/// How the channels of a group of new heads are made from those of a group of old ones.
///
/// As many channels or more: each old channel keeps its place, the rest is free. Fewer: the mixtures of
/// the truncated singular value decomposition of what is read times what is written.
struct ChannelMixture {
  /// How much of each old channel a new one is written with, `[new, old]`.
  let writing: Matrix
  /// How much of each old channel is read from a new one, `[new, old]`.
  let reading: Matrix
  /// Whether every old channel has its own new one.
  let isPlacement: Bool

  /// The mixture of `count` new channels.
  /// - Shape: `written` `[old, n]`, the rows that write the channels; `read` `[old, m]`, those that
  ///   read them.
  init(written: Matrix, read: Matrix, count: Int) {
    isPlacement = count >= written.rows
    guard isPlacement else {
      let product = TruncatedProduct(read.transposed, written, rank: count)
      (writing, reading) = (product.input, product.output.transposed)
      return
    }
    var identity = Matrix(rows: count, columns: written.rows)
    for index in 0..<written.rows { identity[index, index] = 1 }
    (writing, reading) = (identity, identity)
  }

  /// The rows with those of free channels, which have no old one, taken from other values.
  func filled(_ rows: Matrix, from other: Matrix) -> Matrix {
    guard isPlacement else { return rows }
    let kept = writing.columns * rows.columns
    return Matrix(
      rows: rows.rows, columns: rows.columns,
      values: Array(rows.values[..<kept] + other.values[kept...]))
  }

  /// Old rows averaged for each new channel, weighted by the squares of its mixture, for what acts on
  /// each channel alone: taps and gates.
  static func averages(_ mixture: Matrix, _ rows: Matrix) -> Matrix {
    var weights = mixture
    for row in 0..<mixture.rows {
      let sum = mixture.row(row).reduce(0) { $0 + $1 * $1 }
      for column in 0..<mixture.columns where sum > 0 {
        weights[row, column] = mixture[row, column] * mixture[row, column] / sum
      }
    }
    return weights * rows
  }
}
