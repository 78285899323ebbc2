import Kernels

/// A linear layer, `y = x Wᵀ + b`.
package struct Projection: Sendable {
  let weight: WeightMatrix
  /// `[rows]`
  let bias: FloatBuffer?

  /// A layer of the given weights.
  package init(weight: WeightMatrix, bias: FloatBuffer?) {
    self.weight = weight
    self.bias = bias
  }
}

extension Projection {
  /// The weight rows of one task of a product with one token.
  private static let vectorRows = 96
  /// The weight rows of one task of a product with several tokens, which are read once for all of
  /// them: the more rows, the less often tokens come from beyond the second cache.
  private static let panelRows = 192
  /// The columns that are widened at a time.
  static let depthBlock = 256
  /// The distance of widened rows; no power of two, which would collide in the first cache.
  static let widenedStride = depthBlock + 16

  /// The values that one task needs for itself.
  package static func scratchCount(tokens: Int) -> Int {
    if tokens > 1, kernels.tileUnit != nil { return TiledProduct.scratchCount(tokens: tokens) }
    return panelRows * (widenedStride + Operand.panels(tokens) * kernels.matrixMultiply.panelWidth)
  }

  private static func chunkRows(tokens: Int) -> Int { tokens == 1 ? vectorRows : panelRows }

  /// The number of tasks of a product.
  package func chunks(_ operand: Operand) -> Int {
    if operand.tokens > 1, kernels.tileUnit != nil {
      return TiledProduct.chunks(rows: weight.rows, operand)
    }
    let rows = Self.chunkRows(tokens: operand.tokens)
    return (weight.rows + rows - 1) / rows
  }

  /// Computes the outputs of one chunk of weight rows.
  /// - Shape: `target` `[tokens, rows]` with row stride `stride`.
  package func run(
    chunk: Int, _ operand: Operand, to target: UnsafeMutablePointer<Float>, stride: Int,
    scratch: UnsafeMutablePointer<Float>
  ) {
    if operand.tokens > 1, let unit = kernels.tileUnit {
      return TiledProduct(self, operand, kernels.parts, unit)
        .run(chunk: chunk, to: target, stride: stride, scratch: scratch)
    }
    let rows = Self.chunkRows(tokens: operand.tokens)
    let range = chunk * rows..<min(weight.rows, (chunk + 1) * rows)
    if operand.tokens == 1 {
      multiplyVector(range, operand, to: target, scratch)
    } else {
      multiplyPanels(range, operand, to: target, stride: stride, scratch)
    }
  }

  private func multiplyPanels(
    _ range: Range<Int>, _ operand: Operand, to target: UnsafeMutablePointer<Float>, stride: Int,
    _ scratch: UnsafeMutablePointer<Float>
  ) {
    let panels = Operand.panels(operand.tokens)
    let width = kernels.matrixMultiply.panelWidth
    let rows = range.count
    let sums = scratch + Self.panelRows * Self.widenedStride  // [panels, rows, panel]
    sums.update(repeating: 0, count: panels * rows * width)
    // A block of columns of all rows of the chunk is widened once and multiplied with every panel:
    // widened weights stay in the cache, and weights are read from memory once.
    for k in Swift.stride(from: 0, to: operand.depth, by: Self.depthBlock) {
      let columns = k..<min(operand.depth, k + Self.depthBlock)
      weight.widen(rows: range, columns: columns, to: scratch, stride: Self.widenedStride)
      for panel in 0..<panels {
        kernels.matrixMultiply.accumulate(
          FloatRows(scratch, stride: Self.widenedStride), rows: rows,
          panel: operand.panels + (panel * operand.depth + k) * width, depth: columns.count,
          sums: sums + panel * rows * width)
      }
    }
    for panel in 0..<panels {
      let token = panel * width
      kernels.matrixMultiply.write(
        sums: sums + panel * rows * width, rows: rows, tokens: min(width, operand.tokens - token),
        bias: bias.map { UnsafePointer($0.pointer + range.lowerBound) },
        target: MutableFloatRows(target + token * stride + range.lowerBound, stride: stride))
    }
  }
}
