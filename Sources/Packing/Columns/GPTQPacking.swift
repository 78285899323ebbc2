import Diagnostics
import JSON
import Tensors

/// The packing of GPTQ, which GPTQModel, AutoGPTQ and AutoRound write.
///
/// ```
/// P.qweight I32 [K·bits/32, N]    for each output a bit stream along K
/// P.qzeros  I32 [K/group, N·bits/32], P.scales [K/group, N]
/// P.g_idx   I32 [K]               the group of each input; none for neighbours
/// value[n, k] = (code[k, n] - zero[group of k, n]) · scale[group of k, n]
/// ```
///
/// Checkpoints of the first version store zero points less one.
public struct GPTQPacking: PackingMethod {
  /// Codes stand once at every packed weight.
  public static let anchors = [".qweight"]

  private let claim: GPTQClaim?

  /// The packing as a config's `quantization_config`, or `quantize_config.json`, describes it.
  public init(claim: JSONValue?) throws {
    self.claim = try claim.flatMap { $0.isNull ? nil : try GPTQClaim($0) }
  }

  /// The packed weight of a module.
  public func weight(of module: String, anchor: String, part: (String) -> PackedPart?) throws
    -> (any PackedWeight)?
  {
    let codes = try PackedPart.required(part(".qweight"), module + ".qweight").of(.i32)
      .filled(axes: 2...2)
    let scales = try PackedPart.required(part(".scales"), module + ".scales")
      .of(.f16, .bf16, .f32).filled(axes: 2...2)
    if codes.shape[1] != scales.shape[1], claim?.mayBeAWQ ?? true { return nil }
    try Companions.refuseOthers(of: module, ".qweight", ".scales", part)
    let zeros = try PackedPart.required(part(".qzeros"), module + ".qzeros").of(.i32)
      .filled(axes: 2...2)
    let parts = GPTQParts(codes: codes, zeros: zeros, scales: scales, index: part(".g_idx"))
    return try parts.weight(module, claim)
  }
}

/// The parts of a weight as GPTQ stores it.
struct GPTQParts {
  let codes: PackedPart
  let zeros: PackedPart
  let scales: PackedPart
  let index: PackedPart?

  private static let widths = [2, 3, 4, 8]

  func weight(_ module: String, _ claim: GPTQClaim?) throws -> any PackedWeight {
    let (outputs, groups) = (scales.shape[1], scales.shape[0])
    _ = try codes.shaped([codes.shape[0], outputs])
    let bits = try bits(outputs, claim?.bits(of: module))
    _ = try zeros.shaped([groups, outputs * bits / 32])
    let columns = codes.shape[0] * 32 / bits
    let size = try groupSize(columns, groups, claim?.group(of: module))
    return ColumnPackedWeight(
      shape: [outputs, columns],
      scheme: PackingScheme(method: "GPTQ", bits: bits, group: size == columns ? nil : size),
      parts: [codes, zeros, scales] + [index].compactMap(\.self),
      codes: GPTQCodes(
        codes: codes.region, zeros: zeros.region, width: bits, outputs: outputs,
        isFirstVersion: try claim?.isFirstVersion ?? isFirstVersion(bits)),
      scales: scales, columnGroups: try columnGroups(columns, groups, size))
  }

  /// The bits of a code, computed from the shape of the zero points; the config must say the same.
  private func bits(_ outputs: Int, _ claimed: Int?) throws -> Int {
    let told = Self.widths.first {
      outputs * $0 == zeros.shape[1] * 32 && codes.shape[0] * 32 % $0 == 0
    }
    guard let told, claimed ?? told == told else {
      throw codes.disagreement(
        expected: "\(claimed.map { "\($0)" } ?? "2, 3, 4 or 8") bits for \(outputs) outputs",
        found: "codes \(TensorShape.text(codes.shape)) and zero points "
          + TensorShape.text(zeros.shape))
    }
    return told
  }

  /// The inputs of a group, as the config says it; all where it says -1.
  private func groupSize(_ columns: Int, _ groups: Int, _ claimed: Int?) throws -> Int {
    let size = claimed.map { $0 == -1 ? columns : $0 } ?? max(1, columns / groups)
    guard (columns + size - 1) / size == groups else {
      throw scales.disagreement(
        expected: "scales of groups of \(size) in \(columns) inputs",
        found: TensorShape.text(scales.shape))
    }
    return size
  }

  private func columnGroups(_ columns: Int, _ groups: Int, _ size: Int) throws -> ColumnGroups {
    guard let index else { return ColumnGroups(size: size) }
    let chosen = try GroupIndex.read(index, columns)
    try GroupIndex.check(chosen, index, groups)
    let areNeighbours = chosen.indices.allSatisfy { Int(chosen[$0]) == $0 / size }
    return ColumnGroups(size: size, index: areNeighbours ? nil : chosen)
  }

  /// Whether zero points are stored less one, where no config says it: symmetric codes tell.
  private func isFirstVersion(_ bits: Int) throws -> Bool {
    let middle = 1 << (bits - 1)
    let stored = try zeros.region.withBytes { bytes in
      let stream = BitStream(bytes: bytes, width: bits)
      return Set((0..<bytes.count * 8 / bits).map { stream[$0] })
    }
    if stored == [middle - 1] { return true }
    if stored == [middle] { return false }
    throw Problem(
      .invalid, "nothing says whether zero points are stored less one", tensor: zeros.name,
      expected: "quantization_config in config.json, with checkpoint_format", found: "none",
      remedy: "put back the quantization_config of the checkpoint")
  }
}

/// What a config says of weights that GPTQ packed.
struct GPTQClaim: Sendable {
  /// Whether zero points are stored less one.
  let isFirstVersion: Bool
  /// Whether the claim may mean the layout of AWQ, which AutoRound writes too.
  let mayBeAWQ: Bool
  private let base: ColumnClaim

  init(_ claim: JSONValue) throws {
    base = try ColumnClaim(claim)
    mayBeAWQ = base.isAutoRound
    let format = claim["checkpoint_format"] ?? claim["format"] ?? claim["packing_format"]
    if claim["is_marlin_format"] == .bool(true) {
      throw ColumnClaim.unsupported("is_marlin_format")
    }
    if let type = claim["pack_dtype"]?.string, type != "int32" {
      throw ColumnClaim.unsupported("pack_dtype \(type)")
    }
    switch format?.string ?? "gptq" {
    case "gptq_v2", "auto_round", "auto_round:gptq_v2": isFirstVersion = false
    case "gptq", "auto_gptq", "auto_round:auto_gptq", "auto_round:gptq", "auto_round:gptqmodel",
      "auto_round:auto_awq", "auto_round:awq", "auto_awq":
      isFirstVersion = true
    case let other: throw ColumnClaim.unsupported("format \(other)")
    }
  }

  func bits(of module: String) -> Int? { base.bits(of: module) }
  func group(of module: String) -> Int? { base.group(of: module) }
}
