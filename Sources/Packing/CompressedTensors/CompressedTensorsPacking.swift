import Diagnostics
import JSON
import Tensors

/// The packing of compressed-tensors, which llm-compressor and vLLM use.
///
/// ```
/// pack-quantized    P.weight_packed I32 [N, ⌈K·bits/32⌉]     value = (code - 2^(bits-1) - zero) · scale
/// int-quantized     P.weight I8 [N, K]                       value = (integer - zero) · scale
/// float-quantized   P.weight F8_E4M3 [N, K]                  value = float · scale
/// mxfp8-quantized   the same with exponents as scales        value = float · 2^(scale - 127)
/// nvfp4-pack-…      P.weight_packed U8 [N, K/2]              value = float · (scale / global scale)
/// mxfp4-pack-…      P.weight_packed U8 [N, K/2]              value = float · 2^(scale - 127)
/// ```
///
/// `P.weight_scale` has a scale for the tensor, each row, group of a row or block. Zero points of packed
/// integers are packed too, along N. Experts that were not taken apart have one more axis.
public struct CompressedTensorsPacking: PackingMethod {
  /// Codes that are packed, and scales, beside which codes may be elements.
  public static let anchors = [".weight_packed", ".weight_scale"]

  private let claim: CompressedTensorsClaim?

  /// The packing as a config's `quantization_config` describes it.
  public init(claim: JSONValue?) throws {
    self.claim = try claim.flatMap { $0.isNull ? nil : try CompressedTensorsClaim($0) }
  }

  /// The packed weight of a module.
  public func weight(of module: String, anchor: String, part: (String) -> PackedPart?) throws
    -> (any PackedWeight)?
  {
    let isPacked = part(".weight_packed") != nil
    guard isPacked == (anchor == ".weight_packed"), part(".weight_scale_2") == nil else {
      return nil
    }
    let name = isPacked ? ".weight_packed" : ".weight"
    let codes = try PackedPart.required(part(name), module + name)
    guard isPacked || codes.type != .u8 else { return nil }
    try Companions.refuseOthers(of: module, name, ".weight_scale", part)
    let stored = CompressedTensorsParts(
      codes: try codes.filled(axes: 2...8),
      scale: try PackedPart.required(part(".weight_scale"), module + ".weight_scale"),
      zero: part(".weight_zero_point"), shape: part(".weight_shape"), index: part(".weight_g_idx"),
      global: part(".weight_global_scale"))
    if claim?.ignored.contains(module) == true {
      throw codes.disagreement(
        expected: "a plain weight, as the list of what is ignored says",
        found: "packed codes and scales")
    }
    return try stored.weight(oneOf: claim?.forms)
  }
}
