import Diagnostics
import JSON
import Tensors

/// The packing of NVIDIA's ModelOpt.
///
/// ```
/// FP8     P.weight F8_E4M3 [N, K], P.weight_scale F32 [] or of each row   value = float · scale
/// NVFP4   P.weight U8 [N, K/2], P.weight_scale F8_E4M3 [N, K/16],
///         P.weight_scale_2 F32 []                                         value = float · (scale · scale 2)
/// ```
///
/// Code 8 of NVFP4, a negative zero, is read as zero. Scales of inputs and caches are no part of a weight.
public struct ModelOptPacking: PackingMethod {
  /// Scales stand beside every packed weight.
  public static let anchors = [".weight_scale"]

  private let claim: ModelOptClaim

  /// The packing as `hf_quant_config.json`, or the object of that kind in a config, describes it.
  public init(claim: JSONValue?) throws { self.claim = try ModelOptClaim(claim) }

  /// The packed weight of a module.
  public func weight(of module: String, anchor: String, part: (String) -> PackedPart?) throws
    -> (any PackedWeight)?
  {
    guard part(".weight_packed") == nil else { return nil }
    let codes = try PackedPart.required(part(".weight"), module + ".weight").filled(axes: 2...8)
    try Companions.refuseOthers(of: module, ".weight", ".weight_scale", part)
    if let other = part(".pre_quant_scale") {
      throw ModelOptClaim.unsupported("a scale of what goes in", other.name)
    }
    let scale = try PackedPart.required(part(".weight_scale"), module + ".weight_scale")
    let found: ModelOptClaim.Algorithm = codes.type == .u8 ? .nvfp4 : .fp8
    let (expected, group) = claim.of(module) ?? (found, ModelOptClaim.group)
    guard expected == found else {
      throw codes.disagreement(
        expected: "\(expected.rawValue), as the config says", found: codes.type.rawValue)
    }
    return found == .fp8
      ? try float8(codes.of(.f8E4M3), scale)
      : try float4(
        codes, scale,
        PackedPart.required(part(".weight_scale_2"), module + ".weight_scale_2"), group)
  }

  private func float8(_ codes: PackedPart, _ scale: PackedPart) throws -> GroupedWeight {
    let kind = GroupScales.Kind.float(try scale.of(.f32, .bf16, .f16).type)
    let rows = [codes.outer, codes.outer + [1]]
    let sharing: ScaleSharing = rows.contains(scale.shape) ? .channel : .tensor
    return GroupedWeight(
      shape: codes.shape, scheme: PackingScheme(method: "ModelOpt FP8", bits: 8, group: nil),
      parts: [codes, scale],
      codes: CodeRows(
        region: codes.region, rowBytes: codes.shape.last ?? 1, kind: .float8(.f8E4M3)),
      scales: try sharing.scales(scale, kind, of: codes.shape),
      columnGroups: sharing.columns(of: codes.shape))
  }

  private func float4(
    _ codes: PackedPart, _ scale: PackedPart, _ second: PackedPart, _ group: Int
  ) throws -> GroupedWeight {
    let shape = codes.outer + [(codes.shape.last ?? 0) * 2]
    let sharing = ScaleSharing.group(group)
    _ = try scale.of(.f8E4M3, .u8)
    var scales = try sharing.scales(scale, .float(.f8E4M3), of: shape)
    scales.global = .multiplied(
      by: try second.of(.f32).ofMatrices(Array(shape.dropLast(2))).region)
    return GroupedWeight(
      shape: shape, scheme: PackingScheme(method: "ModelOpt NVFP4", bits: 4, group: group),
      parts: [codes, scale, second],
      codes: CodeRows(
        region: codes.region, rowBytes: codes.shape.last ?? 1, kind: .float4(.oneZero)),
      scales: scales, columnGroups: sharing.columns(of: shape))
  }
}

/// What ModelOpt says of a checkpoint.
struct ModelOptClaim: Sendable {
  enum Algorithm: String { case fp8 = "FP8", nvfp4 = "NVFP4" }

  /// The algorithm of all modules; nil where each has its own, or nothing is said.
  private let base: (Algorithm, group: Int)?
  private let layers: [String: (Algorithm, group: Int)]

  /// The values that share a scale where nothing says it.
  static let group = 16
  private static let largestGroup = 1 << 20
  /// Algorithms by the names that ModelOpt gives them; those of the same kind differ in activations.
  private static let algorithms: [String: Algorithm] = [
    "FP8": .fp8, "FP8_PER_CHANNEL_PER_TOKEN": .fp8, "NVFP4": .nvfp4, "W4A16_NVFP4": .nvfp4,
    "W4A8_NVFP4_FP8": .nvfp4,
  ]

  init(_ claim: JSONValue?) throws {
    let claim = claim?["quantization"]?.object ?? claim?.object ?? JSONObject()
    let name = claim["quant_algo"]?.string
    base = name == "MIXED_PRECISION" ? nil : try Self.algorithm(claim)
    var layers: [String: (Algorithm, group: Int)] = [:]
    for (name, layer) in claim["quantized_layers"]?.object?.entries ?? [] {
      layers[name] = try layer.object.flatMap { try Self.algorithm($0) }
    }
    self.layers = layers
  }

  private static func algorithm(_ claim: JSONObject) throws -> (Algorithm, group: Int)? {
    guard let name = claim["quant_algo"]?.string else { return nil }
    guard let algorithm = algorithms[name] else { throw unsupported("quant_algo \(name)") }
    guard let value = claim["group_size"], !value.isNull else { return (algorithm, group) }
    guard let size = value.int, 1...largestGroup ~= size else {
      throw PackingClaim.impossible(
        "group_size as a positive number", value.int.map { "\($0)" } ?? value.kindName)
    }
    return (algorithm, size)
  }

  /// What is said of a module.
  func of(_ module: String) -> (Algorithm, group: Int)? { layers[module] ?? base }

  static func unsupported(_ option: String, _ tensor: String? = nil) -> Problem {
    PackingClaim.unsupported("ModelOpt", option, tensor)
  }
}
