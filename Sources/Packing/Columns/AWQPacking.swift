import Diagnostics
import JSON
import Tensors

/// The packing of AWQ in its form "gemm", which AutoAWQ and AutoRound write.
///
/// ```
/// P.qweight I32 [K, N/8], P.qzeros I32 [K/group, N/8]   eight outputs in a word, in the order 0 2 4 6 1 3 5 7
/// P.scales  [K/group, N]
/// value[n, k] = (code[k, n] - zero[k / group, n]) · scale[k / group, n]
/// ```
public struct AWQPacking: PackingMethod {
  /// Codes stand once at every packed weight.
  public static let anchors = [".qweight"]

  private let claim: ColumnClaim?

  /// The packing as a config's `quantization_config` describes it.
  public init(claim: JSONValue?) throws {
    guard let claim, !claim.isNull else {
      self.claim = nil
      return
    }
    let version = claim["version"]?.string?.lowercased() ?? "gemm"
    guard version == "gemm" else { throw ColumnClaim.unsupported("version \(version)") }
    if claim["backend"] == .string("llm-awq") { throw ColumnClaim.unsupported("backend llm-awq") }
    self.claim = try ColumnClaim(claim)
  }

  /// The packed weight of a module.
  public func weight(of module: String, anchor: String, part: (String) -> PackedPart?) throws
    -> (any PackedWeight)?
  {
    let codes = try PackedPart.required(part(".qweight"), module + ".qweight").of(.i32)
      .filled(axes: 2...2)
    let scales = try PackedPart.required(part(".scales"), module + ".scales")
      .of(.f16, .bf16, .f32).filled(axes: 2...2)
    let isOther = codes.shape[1] == scales.shape[1] || part(".g_idx") != nil
    if isOther, claim?.isAutoRound ?? true { return nil }
    try Companions.refuseOthers(of: module, ".qweight", ".scales", part)
    let zeros = try PackedPart.required(part(".qzeros"), module + ".qzeros").of(.i32)
    return try weight(module, codes, scales, zeros)
  }

  private func weight(
    _ module: String, _ codes: PackedPart, _ scales: PackedPart, _ zeros: PackedPart
  ) throws -> any PackedWeight {
    let (columns, words) = (codes.shape[0], codes.shape[1])
    let claimed = claim?.group(of: module)
    let size = claimed.map { $0 == -1 ? columns : $0 } ?? max(1, columns / scales.shape[0])
    guard claim?.bits(of: module) ?? 4 == 4 else {
      throw codes.disagreement(
        expected: "\(claim?.bits(of: module) ?? 4) bits", found: "AWQ's layout, which has 4")
    }
    guard columns % size == 0, columns / size == scales.shape[0] else {
      throw scales.disagreement(
        expected: "scales of groups of \(size) in \(columns) inputs",
        found: TensorShape.text(scales.shape))
    }
    _ = try scales.shaped([columns / size, words * 8])
    return ColumnPackedWeight(
      shape: [words * 8, columns],
      scheme: PackingScheme(method: "AWQ", bits: 4, group: size == columns ? nil : size),
      parts: [codes, try zeros.shaped([columns / size, words]), scales],
      codes: AWQCodes(codes: codes.region, zeros: zeros.region, words: words),
      scales: scales, columnGroups: ColumnGroups(size: size))
  }
}

/// The codes of AWQ: for each input all outputs, eight in a word.
struct AWQCodes: ColumnCodes {
  let codes: ByteRegion
  let zeros: ByteRegion
  /// The words of an input.
  let words: Int

  /// Gathered codes have a byte each.
  var width: Int { 8 }

  func window(of columns: Range<Int>, _ count: Int) -> Range<Int> { columns }

  func gather(_ rows: Range<Int>, _ columns: Range<Int>, into place: UnsafeMutableRawBufferPointer)
    throws
  {
    let first = columns.lowerBound * words * 4
    try codes.withBytes(in: first..<columns.upperBound * words * 4) { bytes in
      guard let target = place.assumingMemoryBound(to: UInt8.self).baseAddress else { return }
      for column in 0..<columns.count {
        for word in rows.lowerBound / 8..<(rows.upperBound + 7) / 8 {
          let codes = bytes.loadUnaligned(
            fromByteOffset: (column &* words &+ word) &* 4, as: UInt32.self)
          for row in max(8 &* word, rows.lowerBound)..<min(8 &* word &+ 8, rows.upperBound) {
            target[(row &- rows.lowerBound) &* columns.count &+ column] = Self.code(codes, row & 7)
          }
        }
      }
    }
  }

  func zeros(_ rows: Range<Int>, _ groups: Range<Int>, into zeros: UnsafeMutablePointer<Float>)
    throws
  {
    try self.zeros.withBytes { bytes in
      for (place, group) in groups.enumerated() {
        for row in 0..<rows.count {
          zeros[row * groups.count + place] = Float(code(bytes, group, rows.lowerBound + row))
        }
      }
    }
  }

  /// The code of an output in a line of words: even outputs come first, then odd ones.
  @inline(__always)
  private func code(_ bytes: UnsafeRawBufferPointer, _ line: Int, _ output: Int) -> UInt8 {
    let word = bytes.loadUnaligned(
      fromByteOffset: (line * words + output >> 3) * 4, as: UInt32.self)
    return Self.code(word, output & 7)
  }

  @inline(__always)
  private static func code(_ word: UInt32, _ lane: Int) -> UInt8 {
    let place = UInt32(truncatingIfNeeded: (lane >> 1 | (lane & 1) << 2) &* 4)
    return UInt8(truncatingIfNeeded: word &>> place) & 15
  }
}
