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
      var value = FloatBits.load(bytes, source + index, from)
      for step in undoing { value = step.undo(value) }
      for step in applying { value = step.apply(value) }
      if FloatBits.store(value, place, index, to) != value, !value.isNaN { changed += 1 }
    }
    return changed
  }
}
