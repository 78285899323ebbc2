import Kernels
import Runtime
import Threads

extension ThreadPool {
  /// `C = A B`, rows side by side in tasks.
  /// - Shape: `a` `[rows, depth]`, `b` `[depth, columns]`, `c` `[rows, columns]`.
  func multiply(_ a: Floats, _ b: Floats, to c: MutableFloats, _ shape: ProductShape) {
    let (depth, columns) = (shape.depth, shape.columns)
    run(shape.rows, by: 48) { range in
      let first = range.lowerBound
      let target = c + first * columns
      target.update(repeating: 0, count: range.count * columns)
      // Blocks of the depth keep what is read of B in the cache.
      for k in stride(from: 0, to: depth, by: 256) {
        kernels.gradients.addProduct(
          FloatRows(a + (first * depth + k), stride: depth),
          FloatRows(b + k * columns, stride: columns),
          to: MutableFloatRows(target, stride: columns),
          ProductShape(rows: range.count, depth: min(256, depth - k), columns: columns))
      }
    }
  }

  /// Exchanges rows and columns of `[rows, columns]`.
  func transpose(_ a: Floats, rows: Int, columns: Int, to target: MutableFloats) {
    run(columns, by: 16) { range in
      for row in 0..<rows {
        for column in range { target[column * rows + row] = a[row * columns + column] }
      }
    }
  }
}
