import Canonical
import Packing
import Tensors

/// The change of values between one stored tensor and another, computed in F32.
package struct ValueConversion {
  private let source: CanonicalTensor
  private let applying: [ValueStep]
  private let to: ScalarType

  package init(_ source: CanonicalTensor, applying: [ValueStep], to: ScalarType) {
    self.source = source
    self.applying = applying
    self.to = to
  }

  /// The most elements that are converted at a time; their values stay in the nearest cache.
  private static let chunk = 2048

  /// Converts a run of elements.
  /// - Returns: how many values the new type does not represent exactly.
  func convert(_ reader: RegionReader, _ run: Range<Int>, to place: UnsafeMutableRawPointer) throws
    -> Int
  {
    if isRounding { return try round(reader, run, to: place) }
    let width = to.unit.bytes
    var changed = 0
    try forEachChunk(reader, run) { range, values in
      changed += FloatBits.store(
        values, count: range.count, to: place + (range.lowerBound - run.lowerBound) * width, to)
      return true
    }
    return changed
  }

  /// Whether stored F32 values are rounded to another type, and nothing else is done to them.
  private var isRounding: Bool {
    source.type == .f32 && source.scales == nil && source.steps.isEmpty && applying.isEmpty
  }

  /// Rounds stored values where they lie.
  private func round(_ reader: RegionReader, _ run: Range<Int>, to place: UnsafeMutableRawPointer)
    throws -> Int
  {
    var changed = 0
    for start in stride(from: run.lowerBound, to: run.upperBound, by: Self.most) {
      let end = min(start + Self.most, run.upperBound)
      let target = place + (start - run.lowerBound) * to.unit.bytes
      changed += try reader.withBytes(in: start * 4..<end * 4) { bytes in
        bytes.baseAddress.map { FloatBits.store($0, count: end - start, to: target, to) } ?? 0
      }
    }
    return changed
  }

  /// The most values that are rounded in place at a time; the reader can release their bytes afterwards.
  private static let most = ByteRegion.window / 4

  /// Whether the new type represents every value of a run exactly.
  /// - Cost: stops at the first value that it does not.
  package func isExact(_ reader: RegionReader, _ run: Range<Int>) throws -> Bool {
    try withUnsafeTemporaryAllocation(byteCount: Self.chunk * 4, alignment: 16) { scratch in
      guard let place = scratch.baseAddress else { return true }
      return try forEachChunk(reader, run) { range, values in
        FloatBits.store(values, count: range.count, to: place, to) == 0
      }
    }
  }

  /// Calls `body` with the values of a run, chunk by chunk, until it returns false.
  /// - Returns: whether all values were visited.
  @discardableResult
  package func forEachChunk(
    _ reader: RegionReader, _ run: Range<Int>,
    _ body: (Range<Int>, UnsafeMutablePointer<Float>) -> Bool
  ) throws -> Bool {
    try withUnsafeTemporaryAllocation(of: Float.self, capacity: Self.chunk) { buffer in
      guard let values = buffer.baseAddress else { return true }
      for start in stride(from: run.lowerBound, to: run.upperBound, by: Self.chunk) {
        let range = start..<min(start + Self.chunk, run.upperBound)
        try load(reader, range, into: values)
        try source.restore(values, range)
        for step in applying { values.apply(step, count: range.count) }
        if !body(range, values) { return false }
      }
      return true
    }
  }

  /// Loads elements together with the blocks in which they lie.
  private func load(
    _ reader: RegionReader, _ run: Range<Int>, into values: UnsafeMutablePointer<Float>
  ) throws {
    let unit = source.type.unit
    let first = run.lowerBound / unit.elements
    let last = (run.upperBound + unit.elements - 1) / unit.elements
    try reader.withBytes(in: first * unit.bytes..<last * unit.bytes) { bytes in
      let start = run.lowerBound - first * unit.elements
      StoredValues.load(bytes, start..<start + run.count, source.type, into: values)
    }
  }
}

extension UnsafeMutablePointer<Float> {
  fileprivate func apply(_ step: ValueStep, count: Int) {
    for index in 0..<count { self[index] = step.apply(self[index]) }
  }
}
