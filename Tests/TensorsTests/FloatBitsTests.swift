import Testing

@testable import Tensors

/// Rounding to 16-bit floats, against the language's own and against exact arithmetic.
struct FloatBitsTests {
  @Test func everyHalfSurvivesAndMatchesTheLanguage() {
    for bits in UInt16.min...UInt16.max {
      let value = FloatBits.float(f16: bits)
      if value.isNaN {
        #expect(FloatBits.float(f16: FloatBits.f16(value)).isNaN)
        continue
      }
      #if !((os(macOS) || targetEnvironment(macCatalyst)) && arch(x86_64))
        #expect(value == Float(Float16(bitPattern: bits)))
      #endif
      #expect(FloatBits.f16(value) == bits)
    }
  }

  @Test func everyBrainFloatSurvives() {
    for bits in UInt16.min...UInt16.max {
      let value = FloatBits.float(bf16: bits)
      if value.isNaN {
        #expect(FloatBits.float(bf16: FloatBits.bf16(value)).isNaN)
      } else {
        #expect(FloatBits.bf16(value) == bits)
      }
    }
  }

  @Test func halvesRoundToNearestEven() {
    for bits in stride(from: UInt32(0), to: UInt32.max - 7919, by: 7919) {
      let value = Float(bitPattern: bits)
      guard !value.isNaN else { continue }
      #if !((os(macOS) || targetEnvironment(macCatalyst)) && arch(x86_64))
        #expect(FloatBits.f16(value) == Float16(value).bitPattern)
      #endif
    }
  }

  @Test(arguments: [
    (1.00390625 as Float, 0x3f80 as UInt16), (1.01171875, 0x3f82), (3.4e38, 0x7f80),
    (-0.0, 0x8000), (.infinity, 0x7f80),
  ])
  func brainFloatsRoundToNearestEven(value: Float, bits: UInt16) {
    #expect(FloatBits.bf16(value) == bits)
  }
}
