import Tensors

/// `d · q`: a scale in F16, then 32 × I8.
enum Q8Zero: BlockEncoder {
  static let type = ScalarType.q8Zero
  static let group = 32
  private static let size = 32

  static func decode(_ block: BlockBytes, into values: UnsafeMutablePointer<Float>) {
    let scale = block.half(0)
    for index in 0..<size { values[index] = scale * Float(block.signed(2 &+ index)) }
  }

  /// The scale is the largest magnitude over 127; values are divided by it before it is itself rounded
  /// to F16, and rounded half away from zero, as ggml and its Python writer do.
  static func encode(_ values: UnsafePointer<Float>, into block: UnsafeMutableRawPointer) {
    var largest: Float = 0
    for index in 0..<size { largest = max(largest, abs(values[index])) }
    let scale = largest / 127
    let inverse = scale == 0 ? 0 : 1 / scale
    block.storeBytes(of: FloatBits.f16(scale), as: UInt16.self)
    for index in 0..<size {
      let rounded = (values[index] * inverse).rounded(.toNearestOrAwayFromZero)
      block.storeBytes(of: Int8(exactly: rounded) ?? 0, toByteOffset: 2 + index, as: Int8.self)
    }
  }
}
