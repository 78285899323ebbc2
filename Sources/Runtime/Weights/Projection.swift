import Kernels
import Tensors

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

/// The input of linear layers, packed once for all of them.
package struct Operand {
  /// `[tokens, depth]`
  let rows: UnsafePointer<Float>
  /// `[tokens / panel, depth, panel]`, or the parts of a `TiledProduct`, or for one token the vector as
  /// `DotProducts.split` leaves it.
  let panels: UnsafeMutablePointer<Float>
  let tokens: Int
  let depth: Int
  /// How many threads share its products, which decides how many tasks they are cut into.
  let threads: Int

  /// An input that is still to be packed.
  package init(
    rows: UnsafePointer<Float>, panels: UnsafeMutablePointer<Float>, tokens: Int, depth: Int,
    threads: Int = 1
  ) {
    self.rows = rows
    self.panels = panels
    self.tokens = tokens
    self.depth = depth
    self.threads = threads
  }

  /// The values that `panels` needs.
  package static func panelCount(tokens: Int, depth: Int) -> Int {
    if tokens == 1 { return depth }
    return kernels.tileUnit == nil
      ? panels(tokens) * kernels.matrixMultiply.panelWidth * depth
      : TiledProduct.panelCount(tokens: tokens, depth: depth)
  }

  /// The number of panels for some tokens.
  package static func panels(_ tokens: Int) -> Int {
    kernels.tileUnit == nil
      ? (tokens + kernels.matrixMultiply.panelWidth - 1) / kernels.matrixMultiply.panelWidth
      : TiledProduct.panels(tokens)
  }

  /// Packs one panel, or the only vector.
  package func pack(panel: Int) {
    guard tokens > 1 else { return kernels.dotProducts.split(rows, count: depth, target: panels) }
    guard kernels.tileUnit == nil else {
      return TiledProduct.pack(panel: panel, self, kernels.parts)
    }
    let first = panel * kernels.matrixMultiply.panelWidth
    kernels.matrixMultiply.pack(
      FloatRows(rows + first * depth, stride: depth),
      count: min(kernels.matrixMultiply.panelWidth, tokens - first),
      depth: depth, panel: panels + first * depth)
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
