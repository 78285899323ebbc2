import Canonical
import Opening
import Tensors

extension TensorMove {
  /// The most values that are looked at before they are written; norms are far smaller.
  private static let mostSeenValues = 1 << 22

  /// Whether a narrower type holds every value that will be written.
  /// - Cost: reads the values.
  static func fits(_ narrow: ScalarType, _ parts: [MovedPart]) throws -> Bool {
    guard narrow == .bf16 || narrow == .f16,
      parts.reduce(0, { $0 + $1.source.count }) <= mostSeenValues
    else { return false }
    return try parts.allSatisfy { moved in
      if try isExact(moved, as: narrow) { return true }
      return try moved.comesBack(as: narrow)
    }
  }

  static func isExact(_ moved: MovedPart, as type: ScalarType) throws -> Bool {
    guard moved.source.isComputable else { return false }
    let conversion = ValueConversion(moved.source, applying: moved.steps, to: type)
    let reader = RegionReader(moved.source.region)
    var isExact = true
    try moved.pairing.forEachRun { source, _, count in
      if isExact { isExact = try conversion.isExact(reader, source..<(source + count)) }
    }
    return isExact
  }
}

extension MovedPart {
  /// Whether decay rates, written in a narrower type, stand for the exponentials that are stored.
  ///
  /// The last two bits may differ, because the exponentials of math libraries differ by as much.
  fileprivate func comesBack(as narrow: ScalarType) throws -> Bool {
    guard source.steps.count == 1, let step = source.steps.first, step.isExponential,
      steps.isEmpty, source.type.isFloat
    else { return false }
    let scratch = OwnedBytes(count: 4)
    var agrees = true
    try source.region.withBytes { bytes in
      pairing.forEachRun { start, _, count in
        for index in start..<(start + count) where agrees {
          let stored = FloatBits.load(bytes, index, source.type)
          let kept = FloatBits.store(
            step.undo(stored), scratch.mutableBytes, 0, narrow)
          agrees = abs(step.apply(kept) - stored) <= 0x1p-22 * abs(stored)
        }
      }
    }
    return agrees
  }
}
