import Diagnostics
import JSON
import Tensors

/// Weights whose stored elements are not values: several codes in one integer, indices into a table, or FP8
/// without a known scale.
///
/// Graft recognises the usual kinds by config and headers, so that it can refuse them by name; it reads
/// none of them.
public struct PackedWeights: Hashable, Sendable {
  /// The method as its tools call it.
  public let method: String
  /// The bits of a weight, where the config says it; several where tensors differ.
  public let widths: [Int]
  /// What told: a config key, a file or the name of a tensor.
  public let evidence: String
  /// Whether the config, or a file beside it, says that weights are quantised.
  public let isAnnounced: Bool

  init(method: String, widths: [Int] = [], evidence: String, isAnnounced: Bool = false) {
    (self.method, self.widths, self.evidence) = (method, widths, evidence)
    self.isAnnounced = isAnnounced
  }

  /// The bits of every weight; nil where the config does not say it or tensors differ.
  public var bits: Int? { widths.count == 1 ? widths[0] : nil }

  /// The names of files beside the config that say how weights are quantised.
  public static let files = ["hf_quant_config.json", "quantize_config.json", "quant_config.json"]

  /// The method with what is known about it.
  public var text: String {
    let bits = widths.map(String.init).joined(separator: " and ")
    return method + (bits.isEmpty ? "" : ", \(bits) bits")
  }

  /// The refusal to work with such weights.
  public var problem: Problem {
    Problem(
      .unsupported, "the weights are quantised in a way that Graft does not read",
      expected: "F32, BF16, F16, or FP8 with scales", found: "\(text), as \(evidence) tells",
      remedy: method == Self.bareFP8
        ? "put the quantization_config of these weights back into config.json, or take the "
          + "checkpoint they were quantised from"
        : "take the checkpoint it was quantised from, or dequantise it with the tool that made it")
  }

  /// FP8 of which no config says how it is scaled.
  private static let bareFP8 = "FP8 that no config explains"

  /// The kind of packed weights that are stored; nil for none, and for FP8 with scales that the config
  /// announces.
  /// - Parameter files: the parsed files of `files`, by name.
  public static func recognise(
    _ config: JSONValue?, _ stored: StoredHeaders, beside files: [String: JSONValue] = [:]
  ) -> PackedWeights? {
    let claim = QuantisationClaim.first(config, files)
    let codes = codes(in: stored)
    if codes == nil, let claim, claim.method == nil { return nil }
    guard let first = codes ?? narrow(in: stored) else { return nil }
    guard let claim else { return first }
    let told = claim.method.map { ($0, claim.evidence) } ?? (first.method, first.evidence)
    return PackedWeights(
      method: told.0, widths: claim.widths, evidence: told.1, isAnnounced: true)
  }

  /// Whether any stored tensor looks quantised, whatever a config says.
  public static func isAny(in stored: StoredHeaders) -> Bool {
    zip(stored.names, stored.values).contains { name, header in
      marked(name) != nil || header.type.isNarrowFloat
        || integers(name, header.type, stored) != nil
    }
  }

  /// The stored weights whose elements mean nothing without scales, and that have none beside them.
  public static func unscaled(in stored: StoredHeaders) -> [String] {
    let scaled = Set(
      stored.names.filter(PackedName.mayScale).compactMap { name in
        PackedName.weight(of: name) { stored[$0] != nil }
      })
    return zip(stored.names, stored.values).filter { name, header in
      !scaled.contains(name) && isWeight(name) && header.type.needsScale
    }.map(\.0).sorted()
  }

  /// Whether a name is that of a weight, of one tensor or of several fused ones.
  private static func isWeight(_ name: String) -> Bool {
    name.hasSuffix(".weight") || name.hasSuffix("_proj") || name.hasSuffix("_blocks")
  }

  /// The first name that only one method gives, or else the first weight of integers; nil for neither.
  private static func codes(in stored: StoredHeaders) -> PackedWeights? {
    first(stored.names.lazy.compactMap(marked))
      ?? first(
        zip(stored.names, stored.values).lazy.compactMap { integers($0, $1.type, stored) })
  }

  /// The first float of 4, 6 or 8 bits, which the first scale of all of them tells; nil for none.
  private static func narrow(in stored: StoredHeaders) -> PackedWeights? {
    let all = zip(stored.names, stored.values).compactMap { narrow($0, $1.type) }
    let scales = all.lazy.flatMap { scaleNames(of: $0.evidence) }.filter { stored[$0] != nil }
    guard let first = first(all), let scale = scales.min() else { return first(all) }
    return PackedWeights(method: first.method, evidence: scale)
  }

  /// The one that the first name in the order of names shows.
  private static func first(_ found: some Sequence<PackedWeights>) -> PackedWeights? {
    found.min { $0.evidence < $1.evidence }
  }

  /// A name that only one method gives.
  private static func marked(_ name: String) -> PackedWeights? {
    PackedName.method(of: name).map { PackedWeights(method: $0, evidence: name) }
  }

  /// Floats of 4, 6 or 8 bits.
  private static func narrow(_ name: String, _ type: ScalarType) -> PackedWeights? {
    guard type.isNarrowFloat else { return nil }
    return PackedWeights(method: type.isScaled ? bareFP8 : type.rawValue, evidence: name)
  }

  private static func scaleNames(of name: String) -> [String] {
    let stem = name.hasSuffix(".weight") ? String(name.dropLast(".weight".count)) : name
    return ["\(name)_scale_inv", "\(name)_scale", "\(stem).scale", "\(stem).scales"]
  }

  /// Weights that are integers.
  private static func integers(_ name: String, _ type: ScalarType, _ stored: StoredHeaders)
    -> PackedWeights?
  {
    guard type.isPackedInteger else { return nil }
    let stem = name.hasSuffix(".weight") ? String(name.dropLast(".weight".count)) : name
    if name.hasSuffix("_blocks"), stored[name.dropLast("_blocks".count) + "_scales"] != nil {
      return PackedWeights(method: "mxfp4", widths: [4], evidence: name)
    }
    if type == .u32, stored["\(stem).scales"] != nil {
      let isAffine = stored["\(stem).biases"] != nil
      return PackedWeights(method: isAffine ? "MLX affine" : "MLX", evidence: name)
    }
    guard scaleNames(of: name).contains(where: { stored[$0] != nil }) || isWeight(name) else {
      return nil
    }
    return PackedWeights(
      method: type == .i8 || type == .u8 ? "fp4 or int8" : "packed integers", evidence: name)
  }
}

extension ScalarType {
  /// Whether elements hold codes where they stand in the place of a weight.
  var isPackedInteger: Bool {
    switch self {
    case .u8, .i8, .u16, .i16, .u32, .i32, .u64, .i64: true
    default: false
    }
  }

  /// Whether elements are floats of less than 16 bits.
  var isNarrowFloat: Bool {
    switch self {
    case .f8E4M3, .f8E5M2, .f8E4M3FNUZ, .f8E5M2FNUZ, .f8E8M0, .f6E2M3, .f6E3M2, .f4: true
    default: false
    }
  }

  /// Whether weights of this type mean nothing without scales.
  public var needsScale: Bool { isPackedInteger || isNarrowFloat }
}
