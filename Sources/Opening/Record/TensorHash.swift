import Canonical
import Containers
import Digests
import Synchronization
import Tensors
import Threads

/// SHA-256 of tensors, as lower-case hexadecimal digits.
package enum TensorHash {
  /// The hash of stored bytes.
  /// - Cost: one pass over the bytes.
  /// - Parameter progress: called with the bytes that were hashed.
  package static func stored(_ region: ByteRegion, progress: (Int) -> Void = { _ in }) throws
    -> String
  {
    var hash = SHA256()
    try region.forEachWindow { window in
      hash.update(window)
      progress(window.count)
    }
    return hash.text()
  }

  /// The hashes of the bytes of many regions.
  /// - Parameter progress: called by several threads with the bytes that were hashed.
  /// - Cost: one pass over the bytes.
  package static func stored(
    _ regions: [ByteRegion], _ pool: ThreadPool, progress: @Sendable (Int) -> Void = { _ in }
  ) throws -> [String] {
    let hashes = Mutex(Array(repeating: "", count: regions.count))
    try withoutActuallyEscaping(progress) { progress in
      try pool.runInPairs(regions.count) { index in
        RegionHash(regions[index], progress: progress) { hash in
          hashes.withLock { $0[index] = hash }
        }
      }
    }
    return hashes.withLock { $0 }
  }

  /// The hash of some text.
  package static func text(_ bytes: [UInt8]) -> String { SHA256.text(of: bytes) }

  /// The hash of the canonical form, which is the same in every layout.
  ///
  /// Matrices are hashed in their stored type and in canonical order. Vectors, whose values layouts
  /// store differently, are hashed as F32: norms as what they multiply with, decay rates as `A_log`.
  /// - Cost: one pass over the elements; memory for one buffer.
  package static func canonical(_ tensor: CanonicalTensor, isZeroCentred: Bool) throws -> String {
    if hasStoredElements(tensor), let width = tensor.type.byteWidth {
      return try elements(tensor, width: width)
    }
    return try values(tensor, plus: isZeroCentred ? 1 : 0)
  }

  /// Whether the canonical form has the elements as they are stored.
  package static func hasStoredElements(_ tensor: CanonicalTensor) -> Bool {
    tensor.shape.count > 1 && tensor.steps.isEmpty && tensor.type.byteWidth != nil
  }

  /// Whether the canonical form is that of the stored bytes.
  package static func isStoredForm(_ tensor: CanonicalTensor) -> Bool {
    hasStoredElements(tensor) && !tensor.isJoined
      && tensor.view.simplified == StridedView(contiguous: tensor.shape)
      && tensor.region.count == TensorShape.byteCount(tensor.shape, tensor.type)
  }

  private static func elements(_ tensor: CanonicalTensor, width: Int) throws -> String {
    var hash = RunHash()
    let reader = RegionReader(tensor.region)
    try forEachRun(tensor) { run in
      let bytes = run.lowerBound * width..<run.upperBound * width
      try reader.withBytes(in: bytes) { hash.update($0) }
    }
    return hash.finish()
  }

  /// The hash of the values as F32 in canonical order, whatever their type, with one zero.
  ///
  /// Packings differ in the sign of a zero, and only in that, where their values are the same.
  /// - Cost: one pass over the elements; memory for one buffer.
  package static func numbers(_ tensor: CanonicalTensor) throws -> String {
    // A sum with zero is the value itself, but for a negative zero.
    try values(tensor, plus: 0, withOneZero: true)
  }

  private static func values(
    _ tensor: CanonicalTensor, plus constant: Float, withOneZero: Bool = false
  ) throws -> String {
    guard tensor.type.isComputable else { return try stored(tensor.region) }
    var hash = RunHash()
    let reader = RegionReader(tensor.region)
    let conversion = ValueConversion(tensor, applying: [], to: .f32)
    try forEachRun(tensor) { run in
      try conversion.forEachChunk(reader, run) { range, values in
        if constant != 0 || withOneZero {
          for index in 0..<range.count { values[index] += constant }
        }
        hash.update(UnsafeRawBufferPointer(start: values, count: range.count * 4))
        return true
      }
    }
    return hash.finish()
  }

  /// Calls `body` for the stored elements in canonical order, at most a window at a time.
  private static func forEachRun(_ tensor: CanonicalTensor, _ body: (Range<Int>) throws -> Void)
    throws
  {
    let pairing = PairedView(source: tensor.view, target: StridedView(contiguous: tensor.shape))
    let window = ByteRegion.window / 8
    for start in stride(from: 0, to: tensor.count, by: window) {
      try pairing.forEachRun(in: start..<min(start + window, tensor.count)) { source, _, count in
        try body(source..<source + count)
      }
    }
  }
}

extension StoredCheckpoint {
  /// The hash of every tensor by name.
  /// - Parameters:
  ///   - known: those that are known already.
  ///   - progress: called by several threads with the bytes that were hashed.
  /// - Cost: reads the bytes of all others once.
  package func hashes(
    _ pool: ThreadPool, known: [String: String] = [:],
    progress: @Sendable (Int) -> Void = { _ in }
  ) throws -> [String: String] {
    let unknown = tensors.filter { known[$0.name] == nil }
    let hashes = try TensorHash.stored(unknown.map(\.region), pool, progress: progress)
    let own = Set(tensors.map(\.name))
    return Dictionary(zip(unknown.map(\.name), hashes), uniquingKeysWith: { first, _ in first })
      .merging(known.filter { own.contains($0.key) }) { _, known in known }
  }
}
