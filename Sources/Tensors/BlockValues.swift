/// The values of ggml's block types, one element at a time, as its reference routines compute them.
///
/// ```
/// Q8_0   32 elements in 34 bytes: scale F16, 32 × I8             value = scale · q
/// Q4_K  256 elements in 144 bytes: two scales F16, eight pairs
///       of 6-bit scale and minimum, 256 × 4 bits                 value = d · scale · q - m · minimum
/// ```
public enum BlockValues {
  /// The types that are read; all others are only recognised.
  static let types: Set<ScalarType> = [
    .q4Zero, .q4One, .q5Zero, .q5One, .q8Zero, .q2K, .q3K, .q4K, .q5K, .q6K,
  ]

  /// The value of one element.
  /// - Parameter bytes: whole blocks.
  /// - Precondition: `types` contains the type.
  public static func load(_ bytes: UnsafeRawBufferPointer, _ index: Int, _ type: ScalarType)
    -> Float
  {
    let unit = type.unit
    let start = index / unit.elements * unit.bytes
    let block = Block(bytes: UnsafeRawBufferPointer(rebasing: bytes[start..<start + unit.bytes]))
    let element = index % unit.elements
    switch type {
    case .q8Zero: return block.half(0) * Float(block.signed(2 + element))
    case .q4Zero: return block.half(0) * Float(block.nibble(2, element) - 8)
    case .q4One: return block.half(0) * Float(block.nibble(4, element)) + block.half(2)
    case .q5Zero: return block.half(0) * Float(block.five(2, element) - 16)
    case .q5One: return block.half(0) * Float(block.five(4, element)) + block.half(2)
    case .q2K: return block.q2K(element)
    case .q3K: return block.q3K(element)
    case .q4K: return block.q4K(element)
    case .q5K: return block.q5K(element)
    default: return block.q6K(element)
    }
  }
}

/// One block of quantised values.
private struct Block {
  let bytes: UnsafeRawBufferPointer

  func half(_ offset: Int) -> Float {
    FloatBits.float(f16: bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
  }

  func signed(_ offset: Int) -> Int8 { Int8(bitPattern: bytes[offset]) }

  /// Bits of one byte.
  func bits(_ offset: Int, from shift: Int, _ count: Int) -> Int {
    Int(bytes[offset]) >> shift & (1 << count - 1)
  }

  /// Four bits of a block of 32: the first 16 elements are the low halves of the bytes.
  func nibble(_ offset: Int, _ element: Int) -> Int {
    bits(offset + element % 16, from: element / 16 * 4, 4)
  }

  /// Five bits of a block of 32: first all fifth bits, then the other four.
  func five(_ offset: Int, _ element: Int) -> Int {
    nibble(offset + 4, element) | bits(offset + element / 8, from: element % 8, 1) << 4
  }

  /// Scale and minimum of 32 elements, 6 bits each (Q4_K and Q5_K).
  func scales(_ offset: Int, _ part: Int) -> (scale: Float, minimum: Float) {
    guard part >= 4 else {
      return (Float(bits(offset + part, from: 0, 6)), Float(bits(offset + part + 4, from: 0, 6)))
    }
    let scale = bits(offset + part + 4, from: 0, 4) | bits(offset + part - 4, from: 6, 2) << 4
    let minimum = bits(offset + part + 4, from: 4, 4) | bits(offset + part, from: 6, 2) << 4
    return (Float(scale), Float(minimum))
  }

  func q2K(_ element: Int) -> Float {
    let (half, row, lane) = (element / 128, element % 128 / 32, element % 32)
    let scales = half * 8 + row * 2 + lane / 16
    let value = Float(bits(16 + half * 32 + lane, from: 2 * row, 2))
    return self.half(80) * Float(bits(scales, from: 0, 4)) * value
      - self.half(82) * Float(bits(scales, from: 4, 4))
  }

  func q3K(_ element: Int) -> Float {
    let (half, row, lane) = (element / 128, element % 128 / 32, element % 32)
    let part = half * 8 + row * 2 + lane / 16
    let low = bits(96 + part % 8, from: part / 8 * 4, 4)
    let scale = (low | bits(104 + part % 4, from: part / 4 * 2, 2) << 4) - 32
    let value =
      bits(32 + half * 32 + lane, from: 2 * row, 2) | bits(lane, from: half * 4 + row, 1) << 2
    return self.half(108) * Float(scale) * Float(value - 4)
  }

  func q4K(_ element: Int) -> Float {
    let (scale, minimum) = scales(4, element / 32)
    let value = bits(16 + element / 64 * 32 + element % 32, from: element % 64 / 32 * 4, 4)
    return half(0) * scale * Float(value) - half(2) * minimum
  }

  func q5K(_ element: Int) -> Float {
    let (scale, minimum) = scales(4, element / 32)
    let low = bits(48 + element / 64 * 32 + element % 32, from: element % 64 / 32 * 4, 4)
    let value = low | bits(16 + element % 32, from: element / 32, 1) << 4
    return half(0) * scale * Float(value) - half(2) * minimum
  }

  func q6K(_ element: Int) -> Float {
    let (half, row, lane) = (element / 128, element % 128 / 32, element % 32)
    let low = bits(half * 64 + row % 2 * 32 + lane, from: row / 2 * 4, 4)
    let value = low | bits(128 + half * 32 + lane, from: 2 * row, 2) << 4
    return self.half(208) * Float(signed(192 + half * 8 + row * 2 + lane / 16)) * Float(value - 32)
  }
}
