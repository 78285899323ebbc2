import Containers
import Packing
import Tensors

/// What the parts of one packed weight say about damage.
struct PackedAudit {
  /// What was found.
  private(set) var findings: [AuditFinding] = []
  private let packed: any PackedWeight
  private let codes: StoredTensor

  /// Looks at codes and scales; nil for a plain weight.
  /// - Parameter mayBePadded: whether rows may be those of tokens that pad a vocabulary.
  /// - Cost: one pass over codes and scales; memory for one window.
  /// - Throws: `Problem` of kind `io` where they cannot be read.
  init?(_ weight: StoredTensor, in stored: StoredCheckpoint, mayBePadded: Bool) throws {
    guard let packed = weight.packed, let first = packed.parts.first,
      let codes = stored.tensor(first.name)
    else { return nil }
    (self.packed, self.codes) = (packed, codes)
    for part in packed.parts.dropFirst() where Self.isScale(part.name) {
      if let scale = stored.tensor(part.name) { try add(scale) }
    }
    if !mayBePadded { try addLostCodes() }
  }

  private static func isScale(_ name: String) -> Bool {
    let last = last(of: name)
    return last.contains("scale") || last == "SCB" || last.hasSuffix("absmax")
  }

  private static func last(of name: String) -> Substring {
    name.split(separator: ".").last ?? ""
  }

  private mutating func add(
    _ severity: AuditFinding.Severity, _ kind: String, _ tensor: StoredTensor, _ text: String
  ) {
    findings.append(
      AuditFinding(
        severity: severity, kind: kind, tensor: tensor.name, file: tensor.file, text: text))
  }

  /// A scale that is zero makes its group zero whatever its codes are. Some tools write zero where all of a
  /// group is; then all codes are alike.
  private mutating func add(_ scale: StoredTensor) throws {
    let statistics = try TensorStatistics(scale)
    let count = scale.elementCount
    func text(_ found: Int, _ what: String) -> String { "\(found) of \(count) scales are \(what)" }
    if let statistics, statistics.nans > 0 {
      add(.error, "scale", scale, text(statistics.nans, "NaN"))
    }
    if let statistics, statistics.infinities > 0 {
      add(.error, "scale", scale, text(statistics.infinities, "infinite"))
    }
    let isExponent = scale.type == .u8 && Self.last(of: scale.name).contains("scale")
    let zeros = statistics.map { $0.zeros + $0.trailingZeros } ?? 0
    guard zeros > 0 || isExponent else { return }
    let lost = try lostGroups(scale)
    if lost > 0 {
      add(.error, "scale", scale, text(lost, "zero beside codes that are not"))
    } else if zeros > 0 {
      add(mayBeZero(scale) ? .warning : .error, "scale", scale, text(zeros, "zero"))
    }
  }

  /// Formats of one byte have no number between zero and one that is rather large, and largest magnitudes are
  /// zero where all values are; those that were packed once more have an offset.
  private func mayBeZero(_ scale: StoredTensor) -> Bool {
    let last = Self.last(of: scale.name)
    return scale.type.isScaled || last == "SCB" || last == "absmax"
  }

  /// The groups whose scale is zero and whose codes are not, where both lie in one order.
  private func lostGroups(_ scale: StoredTensor) throws -> Int {
    let count = scale.elementCount
    guard count > 0, codes.byteCount % count == 0, codes.byteCount / count > 0, !isByColumns else {
      return 0
    }
    let (size, reader) = (codes.byteCount / count, RegionReader(codes.region))
    let width = scale.byteCount / count
    var (lost, index) = (0, 0)
    try scale.region.forEachWindow(of: Self.window * width) { bytes in
      for start in stride(from: 0, to: bytes.count, by: width) {
        let isZero = isZero(UnsafeRawBufferPointer(rebasing: bytes[start..<start + width]), scale)
        let range = index * size..<(index + 1) * size
        index += 1
        guard isZero else { continue }
        let isLost = try reader.withBytes(in: range) { $0.contains { $0 != 0 } }
        lost += isLost ? 1 : 0
      }
    }
    return lost
  }

  private func isZero(_ bytes: UnsafeRawBufferPointer, _ scale: StoredTensor) -> Bool {
    scale.type == .u8 ? bytes[0] == 0 : FloatBits.load(bytes, 0, scale.type) == 0
  }

  /// Whether codes and scales lie transposed, or the scales are not those of codes.
  private var isByColumns: Bool { ["GPTQ", "AWQ"].contains(packed.scheme.method) }

  /// Codes of integers are zero where a group has its least value: many in a row are what a file that was
  /// not filled holds. Where they stand for zeros, the values tell.
  private mutating func addLostCodes() throws {
    var run = ZeroRun()
    try codes.region.forEachWindow { run.add($0) }
    guard run.isLong, run.length < codes.byteCount, let value = try value(at: run), value != 0
    else {
      return
    }
    add(
      .error, run.isTail ? "zero_tail" : "zero_run", codes,
      "\(run.isTail ? "the last " : "")\(run.length) of \(codes.byteCount) bytes of codes are zero, "
        + "which stand for other values")
  }

  /// A value of the run: of a tail the last, whichever way codes lie; nil where that is not known.
  private func value(at run: ZeroRun) throws -> Float? {
    guard packed.count > 0 else { return nil }
    guard run.isTail || !isByColumns else { return nil }
    let place = run.isTail ? 1 : Double(run.middle) / Double(codes.byteCount)
    let index = min(packed.count - 1, Int(place * Double(packed.count)))
    return try withUnsafeTemporaryAllocation(of: Float.self, capacity: 1) { value in
      guard let base = value.baseAddress else { return nil }
      try packed.decode(index..<index + 1, into: base)
      return base[0]
    }
  }

  private static let window = 4096
}

/// The longest run of zero bytes, the one at the end before others, counted in words of eight.
private struct ZeroRun {
  private var current = 0
  private var longest = 0
  private var end = 0
  private var position = 0

  mutating func add(_ bytes: UnsafeRawBufferPointer) {
    let whole = bytes.count / 8 * 8
    for offset in stride(from: 0, to: whole, by: 8) {
      add(8, isZero: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self) == 0)
    }
    if whole < bytes.count {
      add(bytes.count - whole, isZero: bytes[whole...].allSatisfy { $0 == 0 })
    }
  }

  private mutating func add(_ count: Int, isZero: Bool) {
    position += count
    current = isZero ? current + count : 0
    if current > longest { (longest, end) = (current, position) }
  }

  var isTail: Bool { current >= Self.shortestTail }
  var length: Int { isTail ? current : longest }
  var middle: Int { (isTail ? position : end) - length / 2 }
  var isLong: Bool { isTail || longest >= Self.shortestHole }

  /// Fewer zeros than this may be chance.
  private static let shortestTail = 32
  private static let shortestHole = 256
}
