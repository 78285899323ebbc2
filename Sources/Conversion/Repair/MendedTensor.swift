import Canonical
import Comparison
import Containers
import Layouts
import Opening
import Packing
import Tensors

/// A norm or decay rates with the values that their layout wants.
struct MendedTensor: Sendable {
  /// The tensor, its bytes in memory: a few kilobytes.
  let stored: StoredTensor
  /// What was done.
  let mend: Mend

  /// Computes the values.
  ///
  /// A tensor keeps its type where that holds all of them; else they are stored as F32 or, where values may
  /// be rounded, rounded. One that was widened when it was damaged comes back in the type of the others.
  /// - Parameter narrow: the type that most other plain values have.
  /// - Throws: `Problem` of kind `io` where it cannot be read.
  init?(_ wrong: MisstoredTensor, in model: OpenedModel, narrow: ScalarType, allowsLoss: Bool)
    throws
  {
    guard let stored = model.stored.tensor(wrong.name), stored.type.isFloat else { return nil }
    let before = try Self.floats(stored)
    let after = before.map { wrong.deviation.mended($0, storedAs: stored.type) }
    var bytes = OwnedBytes(count: 0)
    var type = stored.type
    let types = stored.type == .f32 ? [narrow, .f32] : allowsLoss ? [type] : [type, .f32]
    for candidate in types {
      type = candidate
      bytes = OwnedBytes(count: after.count * (type.byteWidth ?? 4))
      if Self.store(after, in: bytes, type) == 0 { break }
    }
    self.stored = StoredTensor(
      name: stored.name, type: type, shape: stored.shape, region: ByteRegion(bytes),
      file: stored.file)
    mend = Mend(
      wrong.deviation.kind, tensor: stored.name, file: stored.file,
      wrong.deviation.text + (type == stored.type ? "" : ", stored as \(type.rawValue)"),
      before: "median \(Self.median(before))", after: "median \(Self.median(after))")
  }

  /// - Returns: how many values the type does not hold.
  private static func store(_ values: [Float], in bytes: OwnedBytes, _ type: ScalarType) -> Int {
    values.withUnsafeBytes { values in
      guard let from = values.baseAddress, let place = bytes.mutableBytes.baseAddress else {
        return 0
      }
      return FloatBits.store(from, count: values.count / 4, to: place, type)
    }
  }

  private static func floats(_ stored: StoredTensor) throws -> [Float] {
    let count = stored.elementCount
    return try stored.region.withBytes { bytes in
      [Float](unsafeUninitializedCapacity: count) { values, filled in
        if let base = values.baseAddress {
          StoredValues.load(bytes, 0..<count, stored.type, into: base)
        }
        filled = count
      }
    }
  }

  private static func median(_ values: [Float]) -> Float {
    values.isEmpty ? 0 : values.sorted()[values.count / 2]
  }
}

extension MisstoredTensor.Deviation {
  fileprivate var kind: Mend.Kind { if case .added = self { .norm } else { .decay } }

  fileprivate var text: String {
    switch self {
    case .added(let offset): offset > 0 ? "\(offset) taken off" : "\(-offset) added"
    case .decay(.negexp): "-exp(A_log) replaced by A_log"
    case .decay(.log): "A_log replaced by -exp(A_log)"
    }
  }

  /// The value that is due in the place of a stored one.
  ///
  /// Several logarithms have the same `-exp` in a type; that of the fewest digits is taken, because
  /// decay rates are mostly trained in BF16 or drawn as such.
  fileprivate func mended(_ value: Float, storedAs type: ScalarType) -> Float {
    switch self {
    case .added(let offset): return value - Float(offset)
    case .decay(.negexp):
      let exact = ValueStep.negexp.undo(value)
      return Self.rounder(than: exact) {
        FloatBits.rounded(ValueStep.negexp.apply($0), type) == value
      }
    case .decay(.log):
      return ValueStep.negexp.apply(
        Self.rounder(than: value) { abs($0 - value) <= 2 * max(value.ulp, 1e-7) })
    }
  }

  private static func rounder(than value: Float, _ isSame: (Float) -> Bool) -> Float {
    [ScalarType.bf16, .f16].map { FloatBits.rounded(value, $0) }.first(where: isSame) ?? value
  }
}

extension FloatBits {
  /// The nearest value of a type.
  fileprivate static func rounded(_ value: Float, _ type: ScalarType) -> Float {
    withUnsafeTemporaryAllocation(byteCount: 4, alignment: 4) { store(value, $0, 0, type) }
  }
}
