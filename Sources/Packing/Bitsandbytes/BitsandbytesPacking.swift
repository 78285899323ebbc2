import Diagnostics
import JSON
import Tensors

/// The packing of bitsandbytes.
///
/// ```
/// 4 bits  P.weight U8, all codes of the weight in one row, high half of a byte first
///         P.weight.quant_map F32 [16], P.weight.absmax F32 [blocks]      value = map[code] · absmax
///         P.weight.quant_state.bitsandbytes__nf4 or …__fp4, JSON: block size, shape, …
/// twice   P.weight.absmax U8, P.weight.nested_quant_map F32 [256], P.weight.nested_absmax F32
///         absmax = map[code] · nested absmax + offset
/// 8 bits  P.weight I8 [N, K], P.SCB F32 [N]                              value = integer · (SCB / 127)
/// ```
public struct BitsandbytesPacking: PackingMethod {
  /// The tensors that accompany codes: for 4 bits their state, or only their scales if the state was lost;
  /// for 8 bits their scales.
  public static let anchors = BitsandbytesState.ends + [".weight.absmax", ".SCB"]

  private let claim: Claim

  /// The packing as a config's `quantization_config` describes it.
  public init(claim: JSONValue?) throws { self.claim = try Claim(claim) }

  /// The packed weight of a module.
  public func weight(of module: String, anchor: String, part: (String) -> PackedPart?) throws
    -> (any PackedWeight)?
  {
    let states = BitsandbytesState.ends.filter { part($0) != nil }
    if anchor == ".weight.absmax", !states.isEmpty { return nil }
    let codes = try PackedPart.required(part(".weight"), module + ".weight")
    let scale = anchor == ".SCB" ? anchor : ".weight.absmax"
    try Companions.refuseOthers(of: module, ".weight", scale, part)
    try claim.check(codes, bits: anchor == ".SCB" ? 8 : 4)
    if anchor == ".SCB" { return try integers(module, codes, part) }
    guard states.count < 2 else {
      throw Companions.twice(
        codes.name, expected: "one state", found: states.joined(separator: " and "))
    }
    let end = states.first ?? BitsandbytesState.ends[0]
    let state = try BitsandbytesState(
      PackedPart.required(part(end), module + end), isFP4: end == BitsandbytesState.ends[1])
    try claim.check(codes, type: state.type)
    return try BitsandbytesWeight(module, codes, state, part)
  }

  private func integers(_ module: String, _ codes: PackedPart, _ part: (String) -> PackedPart?)
    throws
    -> any PackedWeight
  {
    let scales = try PackedPart.required(part(".SCB"), module + ".SCB").of(.f32)
    let format = try part(".weight_format").map { try $0.of(.u8).ofMatrices([]) }
    let code = try format?.region.withBytes { $0.first } ?? 0
    guard code == 0 else {
      throw PackingClaim.unsupported("bitsandbytes", "weight_format \(code)", codes.name)
    }
    let shape = try codes.of(.i8).filled(axes: 2...2).shape
    return GroupedWeight(
      shape: shape, scheme: PackingScheme(method: "bitsandbytes INT8", bits: 8, group: nil),
      parts: [codes, scales] + [format].compactMap(\.self),
      codes: CodeRows(region: codes.region, rowBytes: shape[1], kind: .signed),
      scales: try ScaleSharing.channel.scales(scales, .over127, of: shape),
      columnGroups: ColumnGroups(size: shape[1]))
  }

  /// What a config says.
  private struct Claim {
    private let bits: Int?
    private let type: String?

    init(_ claim: JSONValue?) throws {
      let isFour = claim?["load_in_4bit"]?.bool ?? claim?["_load_in_4bit"]?.bool ?? false
      let isEight = claim?["load_in_8bit"]?.bool ?? claim?["_load_in_8bit"]?.bool ?? false
      if isFour, isEight {
        throw PackingClaim.impossible("load_in_4bit or load_in_8bit", "both")
      }
      bits = isFour ? 4 : isEight ? 8 : nil
      type = isFour ? claim?["bnb_4bit_quant_type"]?.string : nil
      if let type, !["nf4", "fp4"].contains(type) {
        throw PackingClaim.unsupported("bitsandbytes", "bnb_4bit_quant_type \(type)")
      }
    }

    func check(_ codes: PackedPart, bits found: Int) throws {
      if let bits, bits != found {
        throw codes.disagreement(
          expected: "\(bits) bits, as the config says", found: "\(found) bits")
      }
    }

    func check(_ codes: PackedPart, type found: String) throws {
      if let type, type != found {
        throw codes.disagreement(expected: "\(type), as the config says", found: found)
      }
    }
  }
}
