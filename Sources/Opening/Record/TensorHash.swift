import Canonical
import Containers
import Crypto
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
      hash.update(bufferPointer: window)
      progress(window.count)
    }
    return hex(hash.finalize())
  }

  /// The hash of some text.
  package static func text(_ bytes: [UInt8]) -> String { hex(SHA256.hash(data: bytes)) }

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

  /// Bytes as lower-case hexadecimal digits.
  package static func hex(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(
      decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  /// The bytes that hexadecimal digits stand for; nil for other text.
  package static func bytes(_ hex: String) -> [UInt8]? {
    let digits = hex.utf8.map { UInt8(String(UnicodeScalar($0)), radix: 16) }
    guard digits.count % 2 == 0, !digits.contains(nil) else { return nil }
    return stride(from: 0, to: digits.count, by: 2).map {
      (digits[$0] ?? 0) << 4 | (digits[$0 + 1] ?? 0)
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
    let hashes = try pool.map(tensors) { tensor in
      try known[tensor.name] ?? TensorHash.stored(tensor.region, progress: progress)
    }
    return Dictionary(zip(tensors.map(\.name), hashes), uniquingKeysWith: { first, _ in first })
  }
}

/// The hash of bytes that come in runs, short ones gathered first.
package struct RunHash {
  private var hash = SHA256()
  /// Short runs, from the first on: a tensor of very many parts has a hash of each, and its runs are long.
  private var gathered: OwnedBytes?
  private var filled = 0
  private static let size = 64 << 10

  /// The hash of nothing yet.
  package init() {}

  /// Adds a run.
  package mutating func update(_ run: UnsafeRawBufferPointer) {
    if filled + run.count > Self.size { flush() }
    if run.count > Self.size { return hash.update(bufferPointer: run) }
    let gathered = gathered ?? OwnedBytes(count: Self.size)
    self.gathered = gathered
    UnsafeMutableRawBufferPointer(rebasing: gathered.mutableBytes[filled...])
      .copyMemory(from: run)
    filled += run.count
  }

  /// The hash of all runs.
  package mutating func finish() -> String {
    flush()
    return TensorHash.hex(hash.finalize())
  }

  private mutating func flush() {
    guard let gathered else { return }
    hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: gathered.bytes[..<filled]))
    filled = 0
  }
}
