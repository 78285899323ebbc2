import Canonical
import Containers
import Diagnostics
import Opening
import Tensors

/// Where elements of a tensor of the adapter's layout lie in a tensor of the base.
struct ChangedPlace: Sendable {
  /// The values of the base, in stored order.
  let base: CanonicalTensor
  /// From places in the adapter's layout to those in the base.
  let pairing: PairedView

  /// How many values are read at a time.
  static let window = 64 << 10

  /// Calls `body` for runs of values that lie side by side in both.
  /// - Throws: what `body` throws, and `Problem` of kind `io`.
  /// - Cost: one pass over the tensor of the base; memory for one window.
  func forEachRun(_ body: (Range<Int>, UnsafeMutableBufferPointer<Float>) throws -> Void) throws {
    let count = base.count
    try withUnsafeTemporaryAllocation(of: Float.self, capacity: min(Self.window, count)) { values in
      for start in stride(from: 0, to: count, by: Self.window) {
        let window = start..<min(start + Self.window, count)
        try base.load(window, into: values)
        try Self.forEachRun(pairing, in: window, values) { try body($0, $1) }
      }
    }
  }

  /// Calls `body` for the runs of a window.
  static func forEachRun(
    _ pairing: PairedView, in window: Range<Int>, _ values: UnsafeMutableBufferPointer<Float>,
    _ body: (Range<Int>, UnsafeMutableBufferPointer<Float>) throws -> Void
  ) throws {
    try pairing.forEachRun(in: window) { source, target, count in
      let first = target - window.lowerBound
      try body(
        source..<source + count,
        UnsafeMutableBufferPointer(rebasing: values[first..<first + count]))
    }
  }
}

extension CanonicalTensor {
  /// Loads a window of the stored elements as F32, scaled.
  /// - Precondition: the tensor is one as it is stored.
  fileprivate func load(_ window: Range<Int>, into values: UnsafeMutableBufferPointer<Float>) throws
  {
    guard let start = values.baseAddress else { return }
    _ = try PartStream(reading: self, asStored: false).fill(start, window)
  }
}

/// The bytes of a tensor of the base with the changes of an adapter, computed whenever they are asked for.
///
/// - Cost: memory for the values of the range that is asked for.
struct MergedTensor: Sendable {
  /// The values of the base, in stored order.
  let base: CanonicalTensor
  /// The type that is stored.
  let type: ScalarType
  /// What is changed, in this order, and where.
  let changes: [(change: any TensorChange, pairing: PairedView)]

  /// The bytes.
  var bytes: DeferredBytes {
    let width = type.unit.bytes
    return DeferredBytes(count: base.count * width) { range, place in
      let window = range.lowerBound / width..<(range.upperBound + width - 1) / width
      try withUnsafeTemporaryAllocation(of: Float.self, capacity: window.count) { values in
        try fill(window, values)
        try store(values, from: window.lowerBound * width, range, place)
      }
    }
  }

  private func fill(_ window: Range<Int>, _ values: UnsafeMutableBufferPointer<Float>) throws {
    try base.load(window, into: values)
    for (change, pairing) in changes {
      try ChangedPlace.forEachRun(pairing, in: window, values) { run, values in
        try change.apply(run, to: values, type)
      }
    }
  }

  /// Rounds values, of which the first and the last may be asked for in part.
  private func store(
    _ values: UnsafeMutableBufferPointer<Float>, from start: Int, _ range: Range<Int>,
    _ place: UnsafeMutableRawBufferPointer
  ) throws {
    guard let floats = values.baseAddress, let room = place.baseAddress else { return }
    if values.count * type.unit.bytes == range.count {
      _ = FloatBits.store(floats, count: values.count, to: room, type)
      return
    }
    let whole = OwnedBytes(count: values.count * type.unit.bytes)
    guard let stored = whole.mutableBytes.baseAddress else { return }
    _ = FloatBits.store(floats, count: values.count, to: stored, type)
    room.copyMemory(from: stored + (range.lowerBound - start), byteCount: range.count)
  }
}
