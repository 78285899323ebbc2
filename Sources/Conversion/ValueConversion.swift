import Canonical
import Tensors

/// The change of values between one stored tensor and another, computed in F32.
struct ValueConversion {
  private let source: CanonicalTensor
  private let undoing: [ValueStep]
  private let applying: [ValueStep]
  private let to: ScalarType

  init(_ source: CanonicalTensor, applying: [ValueStep], to: ScalarType) {
    self.source = source
    undoing = source.steps.reversed()
    self.applying = applying
    self.to = to
  }

  /// Converts a run of elements.
  /// - Returns: how many values the new type does not represent exactly.
  func convert(
    _ bytes: UnsafeRawBufferPointer, from start: Int, to place: UnsafeMutableRawBufferPointer,
    count: Int
  ) -> Int {
    var changed = 0
    source.forEachScale(in: start..<(start + count)) { range, scale in
      for index in range {
        var value = FloatBits.load(bytes, index, source.type) * scale
        for step in undoing { value = step.undo(value) }
        for step in applying { value = step.apply(value) }
        let stored = FloatBits.store(value, place, index - start, to)
        if stored != value, !value.isNaN { changed += 1 }
      }
    }
    return changed
  }
}
