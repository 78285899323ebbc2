import Kernels
import Runtime
import Threads

extension ThreadPool {
  /// The rows of B that are packed at a time, and the columns of one task: they fit the second cache.
  private static let depthBlock = 256
  private static let taskColumns = 128

  /// `C = A B`, columns side by side in tasks, each of which packs its part of B.
  /// - Shape: `a` `[rows, depth]`, `b` `[depth, columns]`, `c` `[rows, columns]`.
  func multiply(_ a: Floats, _ b: Floats, to c: MutableFloats, _ shape: ProductShape) {
    run(shape.columns, by: Self.taskColumns) { columns in
      withUnsafeTemporaryAllocation(
        byteCount: 4 * Self.depthBlock * (Self.taskColumns + kernels.gradients.panelWidth),
        alignment: 64
      ) { memory in
        guard let panels = memory.bindMemory(to: Float.self).baseAddress else { return }
        multiply(columns, Factors(a: a, b: b), to: c, shape, panels)
      }
    }
  }

  /// Some columns of a product.
  private func multiply(
    _ columns: Range<Int>, _ factors: Factors, to c: MutableFloats, _ shape: ProductShape,
    _ panels: MutableFloats
  ) {
    let target = MutableFloatRows(c + columns.lowerBound, stride: shape.columns)
    for row in 0..<shape.rows { target[row].update(repeating: 0, count: columns.count) }
    for k in stride(from: 0, to: shape.depth, by: Self.depthBlock) {
      let depth = min(Self.depthBlock, shape.depth - k)
      kernels.gradients.pack(
        FloatRows(factors.b + (k * shape.columns + columns.lowerBound), stride: shape.columns),
        depth: depth, columns: columns.count, panels: panels)
      kernels.gradients.addProduct(
        FloatRows(factors.a + k, stride: shape.depth), panels: panels, to: target,
        ProductShape(rows: shape.rows, depth: depth, columns: columns.count))
    }
  }

  /// Exchanges rows and columns of `[rows, columns]`.
  func transpose(_ a: Floats, rows: Int, columns: Int, to target: MutableFloats) {
    run(rows, by: 64) { range in
      kernels.gradients.transpose(
        FloatRows(a + range.lowerBound * columns, stride: columns), rows: range.count,
        columns: columns, to: MutableFloatRows(target + range.lowerBound, stride: rows))
    }
  }
}

/// What is multiplied.
private struct Factors {
  /// `[rows, depth]`
  let a: Floats
  /// `[depth, columns]`
  let b: Floats
}
