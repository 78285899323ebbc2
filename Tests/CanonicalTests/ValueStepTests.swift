import Tensors
import Testing

@testable import Canonical

/// How exact value steps are: the numbers behind the exactness classes.
struct ValueStepTests {
  /// Every BF16 norm weight of a plausible size comes back from an F32 shift by one.
  @Test func shiftOfBrainFloatsIsExactInSingle() {
    let step = ValueStep.shift(1)
    for bits in UInt16.min...UInt16.max {
      let value = FloatBits.float(bf16: bits)
      guard abs(value) >= 0x1p-16, abs(value) <= 4 else { continue }
      #expect(step.undo(step.apply(value)) == value)
    }
  }

  /// Most do not where the shifted value is stored as BF16.
  @Test func shiftOfBrainFloatsIsLossyInBrainFloat() {
    let step = ValueStep.shift(1)
    let changed = (UInt16.min...UInt16.max).filter { bits in
      let value = FloatBits.float(bf16: bits)
      guard abs(value) >= 0x1p-16, abs(value) <= 0.5 else { return false }
      return step.undo(FloatBits.float(bf16: FloatBits.bf16(step.apply(value)))) != value
    }
    #expect(changed.count > 3000)
  }

  @Test func negexpOfBrainFloatsComesBackAsBrainFloat() {
    for bits in UInt16.min...UInt16.max {
      let value = FloatBits.float(bf16: bits)
      guard abs(value) >= 0x1p-10, abs(value) <= 8 else { continue }
      let back = ValueStep.negexp.undo(ValueStep.negexp.apply(value))
      #expect(FloatBits.bf16(back) == bits)
    }
  }
}
