import Canonical
import Tensors

/// The change of values between one stored tensor and another, computed in F32.
struct ValueConversion {
  private let from: ScalarType
  private let undoing: [ValueStep]
  private let applying: [ValueStep]
  private let to: ScalarType

  init(from: ScalarType, undoing: [ValueStep], applying: [ValueStep], to: ScalarType) {
    self.from = from
    self.undoing = undoing.reversed()
    self.applying = applying
    self.to = to
  }

  /// Converts a run of elements.
  /// - Returns: how many values the new type does not represent exactly.
  func convert(
    _ bytes: UnsafeRawBufferPointer, from source: Int, to place: UnsafeMutableRawBufferPointer,
    count: Int
  ) -> Int {
    var changed = 0
    for index in 0..<count {
      var value = load(bytes, source + index)
      for step in undoing { value = step.undo(value) }
      for step in applying { value = step.apply(value) }
      if store(value, place, index) != value, !value.isNaN { changed += 1 }
    }
    return changed
  }

  private func load(_ bytes: UnsafeRawBufferPointer, _ index: Int) -> Float {
    switch from {
    case .bf16:
      FloatBits.float(bf16: bytes.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self))
    case .f16:
      FloatBits.float(f16: bytes.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self))
    default:
      bytes.loadUnaligned(fromByteOffset: index * 4, as: Float.self)
    }
  }

  /// Stores a value and returns what the stored bits mean.
  private func store(_ value: Float, _ place: UnsafeMutableRawBufferPointer, _ index: Int) -> Float
  {
    switch to {
    case .bf16:
      let bits = FloatBits.bf16(value)
      place.storeBytes(of: bits, toByteOffset: index * 2, as: UInt16.self)
      return FloatBits.float(bf16: bits)
    case .f16:
      let bits = FloatBits.f16(value)
      place.storeBytes(of: bits, toByteOffset: index * 2, as: UInt16.self)
      return FloatBits.float(f16: bits)
    default:
      place.storeBytes(of: value, toByteOffset: index * 4, as: Float.self)
      return value
    }
  }
}
