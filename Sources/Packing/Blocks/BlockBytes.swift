import Tensors

/// The bytes of one block.
struct BlockBytes {
  let start: UnsafeRawPointer

  init(start: UnsafeRawPointer) { self.start = start }

  init(start: UnsafeMutableRawPointer) { self.start = UnsafeRawPointer(start) }

  /// The byte at a place.
  @inline(__always)
  subscript(place: Int) -> UInt8 { start.load(fromByteOffset: place, as: UInt8.self) }

  /// The signed byte at a place.
  @inline(__always)
  func signed(_ place: Int) -> Int8 { Int8(bitPattern: self[place]) }

  /// The F16 at a place.
  @inline(__always)
  func half(_ place: Int) -> Float { FloatBits.float(f16: word(place)) }

  /// The 16 bits at a place.
  @inline(__always)
  func word(_ place: Int) -> UInt16 {
    UInt16(littleEndian: start.loadUnaligned(fromByteOffset: place, as: UInt16.self))
  }

  /// The 32 bits at a place.
  @inline(__always)
  func longWord(_ place: Int) -> UInt32 {
    UInt32(littleEndian: start.loadUnaligned(fromByteOffset: place, as: UInt32.self))
  }

  /// The half of a byte, low ones before high ones.
  @inline(__always)
  func nibble(_ place: Int, _ index: Int) -> UInt8 {
    self[place + index >> 1] >> (4 * (UInt8(truncatingIfNeeded: index) & 1)) & 15
  }
}

extension UnsafeMutablePointer<Float> {
  /// Writes eight values.
  @inline(__always)
  func put(_ eight: SIMD8<Float>, at place: Int) {
    UnsafeMutableRawPointer(self + place).storeBytes(of: eight, as: SIMD8<Float>.self)
  }

  /// Writes four values.
  @inline(__always)
  func put(_ four: SIMD4<Float>, at place: Int) {
    UnsafeMutableRawPointer(self + place).storeBytes(of: four, as: SIMD4<Float>.self)
  }
}
