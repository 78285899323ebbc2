import Platform
import Tensors

extension MXFP4: BlockEncoder {
  static func encode(
    _ values: UnsafePointer<Float>, blocks count: Int, into place: UnsafeMutableRawPointer
  ) {
    for block in 0..<count {
      encode(values + 32 * block, into: place + block * type.unit.bytes)
    }
  }

  /// The exponent is that of the largest magnitude less two; levels are the nearest, of two as near the one
  /// nearer to zero, and zero has no sign.
  private static func encode(_ values: UnsafePointer<Float>, into block: UnsafeMutableRawPointer) {
    var largest: Float = 0
    for index in 0..<32 where largest < abs(values[index]) { largest = abs(values[index]) }
    let exponent = largest > 0 ? exponent(largest) : 0
    let unit = half(exponent)
    block.storeBytes(of: exponent, as: UInt8.self)
    for index in 0..<16 {
      let pair = code(values[index], unit) | code(values[index + 16], unit) << 4
      block.storeBytes(of: pair, toByteOffset: 1 + index, as: UInt8.self)
    }
  }

  /// The logarithm is that of the C library, in F32, which rounds up below the larger powers of two.
  private static func exponent(_ largest: Float) -> UInt8 {
    UInt8(truncatingIfNeeded: Int32(exactly: log2f(largest).rounded(.down) + 125) ?? 0)
  }

  @inline(__always)
  private static func code(_ value: Float, _ unit: Float) -> UInt8 {
    let size = abs(value)
    var code: UInt8 = size > 0.5 * unit ? 1 : 0
    code += size > 1.5 * unit ? 1 : 0
    code += size > 2.5 * unit ? 1 : 0
    code += size > 3.5 * unit ? 1 : 0
    code += size > 5 * unit ? 1 : 0
    code += size > 7 * unit ? 1 : 0
    code += size > 10 * unit ? 1 : 0
    return value < 0 && code > 0 ? code | 8 : code
  }
}
