import Kernels

// Products with one token, where reading the weights is what takes time.

extension Projection {
  /// Computes the outputs of some weight rows for one token.
  /// - Parameter scratch: `scratchCount(tokens: 1)` values.
  func multiplyVector(
    _ range: Range<Int>, _ operand: Operand, to target: UnsafeMutablePointer<Float>,
    _ scratch: UnsafeMutablePointer<Float>
  ) {
    if weight.isMultipliedInPlace {
      weight.multiply(range, operand, to: target, scratch)
    } else {
      multiplyDecoded(range, operand, to: target, scratch)
    }
    guard let bias else { return }
    for row in range { target[row] += bias.pointer[row] }
  }

  /// Decodes a block of columns of all rows, multiplies it, and goes on to the next.
  private func multiplyDecoded(
    _ range: Range<Int>, _ operand: Operand, to target: UnsafeMutablePointer<Float>,
    _ scratch: UnsafeMutablePointer<Float>
  ) {
    let (result, tile) = (scratch, scratch + 16)
    for row in range { target[row] = 0 }
    for k in Swift.stride(from: 0, to: operand.depth, by: Self.depthBlock) {
      let columns = k..<min(operand.depth, k + Self.depthBlock)
      weight.widen(rows: range, columns: columns, to: tile, stride: Self.widenedStride)
      for first in Swift.stride(from: range.lowerBound, to: range.upperBound, by: 4) {
        let count = min(4, range.upperBound - first)
        func row(_ index: Int) -> UnsafeRawPointer {
          let place = first - range.lowerBound + min(index, count - 1)
          return UnsafeRawPointer(tile + place * Self.widenedStride)
        }
        kernels.dotProducts.f32(
          operand.rows + k, (row(0), row(1), row(2), row(3)), count: columns.count, result: result)
        for index in 0..<count { target[first + index] += result[index] }
      }
    }
  }
}
