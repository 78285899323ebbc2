import Testing

@testable import Tensors

/// The 8-bit floats, value by value against their definition.
struct Float8Tests {
  /// Sign, exponent and mantissa read as the definition has them, in F64.
  private func defined(_ bits: UInt8, exponentBits: Int, bias: Int) -> Double {
    let mantissaBits = 7 - exponentBits
    let mantissa = Double(Int(bits) & ((1 << mantissaBits) - 1)) / Double(1 << mantissaBits)
    let exponent = Int(bits & 0x7f) >> mantissaBits
    let magnitude =
      exponent == 0
      ? mantissa * power(1 - bias) : (1 + mantissa) * power(exponent - bias)
    return bits & 0x80 == 0 ? magnitude : -magnitude
  }

  private func power(_ exponent: Int) -> Double {
    Double(sign: .plus, exponent: exponent, significand: 1)
  }

  @Test func e4m3() {
    for bits in UInt8.min...UInt8.max {
      let value = FloatBits.float(f8E4M3: bits)
      if bits & 0x7f == 0x7f {
        #expect(value.isNaN)
      } else {
        #expect(Double(value) == defined(bits, exponentBits: 4, bias: 7), "\(bits)")
        #expect((value.sign == .minus) == (bits >= 0x80))
      }
    }
    #expect(FloatBits.float(f8E4M3: 0x7e) == 448 && FloatBits.float(f8E4M3: 1) == 0x1p-9)
  }

  @Test func e5m2() {
    for bits in UInt8.min...UInt8.max {
      let value = FloatBits.float(f8E5M2: bits)
      switch bits & 0x7f {
      case 0x7c: #expect(value.isInfinite)
      case 0x7d...0x7f: #expect(value.isNaN)
      default: #expect(Double(value) == defined(bits, exponentBits: 5, bias: 15), "\(bits)")
      }
      #expect((value.sign == .minus) == (bits >= 0x80))
    }
  }

  @Test func e8m0() {
    for bits in UInt8.min..<UInt8.max {
      #expect(Double(FloatBits.float(f8E8M0: bits)) == power(Int(bits) - 127))
    }
    #expect(FloatBits.float(f8E8M0: 255).isNaN)
  }

  @Test(arguments: [ScalarType.f8E4M3, .f8E5M2, .f8E8M0])
  func aRunIsLoadedLikeItsElements(type: ScalarType) {
    let bytes = OwnedBytes(count: 256)
    bytes.mutableBytes.copyBytes(from: UInt8.min...UInt8.max)
    let range = 3..<251
    let loaded = [Float](unsafeUninitializedCapacity: range.count) { buffer, filled in
      if let base = buffer.baseAddress { FloatBits.load(bytes.bytes, range, type, into: base) }
      filled = range.count
    }
    for (place, index) in range.enumerated() {
      let expected = FloatBits.load(bytes.bytes, index, type)
      #expect(loaded[place].bitPattern == expected.bitPattern, "\(index)")
    }
  }
}
