import Diagnostics
import JSON
import Tensors

/// Weights whose stored elements are not values: several in an integer, or codes of a table.
///
/// Graft recognises the usual kinds by config and headers, so that it can refuse them by name; it reads
/// none of them.
public struct PackedWeights: Hashable, Sendable {
  /// The method as its tools call it.
  public let method: String
  /// The bits of a weight, where the config says it.
  public let bits: Int?
  /// What told: a config key or the name of a tensor.
  public let evidence: String

  /// The method with what is known about it.
  public var text: String { method + (bits.map { ", \($0) bits" } ?? "") }

  /// The refusal to work with such weights.
  public var problem: Problem {
    Problem(
      .unsupported, "the weights are quantised in a way that Graft does not read",
      expected: "F32, BF16, F16, or FP8 with scales", found: "\(text), as \(evidence) tells",
      remedy:
        "take the checkpoint it was quantised from, or dequantise it with the tool that made it")
  }

  /// The kind of packed weights that config or headers tell of; nil for none.
  public static func recognise(_ config: JSONValue?, _ stored: StoredHeaders) -> PackedWeights? {
    if let claimed = claimed(config) { return claimed }
    var marks: [PackedWeights] = []
    var packed: [PackedWeights] = []
    for (name, header) in stored {
      if let mark = marked(name) { marks.append(mark) }
      if let integers = integers(name, header.type, stored) { packed.append(integers) }
    }
    return (marks.isEmpty ? packed : marks).min { $0.evidence < $1.evidence }
  }

  // MARK: Config

  private static let keys = ["quantization_config", "quantization", "compression_config"]

  private static func claimed(_ config: JSONValue?) -> PackedWeights? {
    let objects = [config, config?["text_config"]].compactMap { $0?.object }
    for object in objects {
      for key in keys {
        guard case .object(let claim)? = object[key], let method = method(claim, key) else {
          continue
        }
        return PackedWeights(method: method, bits: bits(claim), evidence: key)
      }
    }
    return nil
  }

  private static func method(_ claim: JSONObject, _ key: String) -> String? {
    switch claim["quant_method"]?.string {
    case "fp8": claim["expert_dtype"]?.string == "fp4" ? "fp8 with fp4 experts" : nil
    case let method?: method
    case nil where claim["group_size"] != nil: "MLX \(claim["mode"]?.string ?? "affine")"
    case nil: key == "quantization_config" ? nil : "\(key) of an unknown kind"
    }
  }

  private static func bits(_ claim: JSONObject) -> Int? {
    if claim["load_in_4bit"] == .bool(true) { return 4 }
    if claim["load_in_8bit"] == .bool(true) { return 8 }
    let groups = claim["config_groups"]?.object?.entries.first?.value["weights"]
    return [claim["bits"], claim["w_bit"], groups?["num_bits"]].lazy.compactMap { $0?.int }.first
  }

  // MARK: Headers

  /// Last parts of names that only one kind of quantisation has.
  private static let marks: [String: String] = [
    "qweight": "gptq or awq", "qzeros": "gptq or awq", "g_idx": "gptq", "absmax": "bitsandbytes",
    "quant_map": "bitsandbytes", "nested_absmax": "bitsandbytes", "SCB": "bitsandbytes",
    "bitsandbytes__nf4": "bitsandbytes", "bitsandbytes__fp4": "bitsandbytes",
    "weight_packed": "compressed-tensors", "weight_scale_2": "nvfp4", "W_q": "hqq",
    "codebooks": "aqlm",
  ]

  private static func marked(_ name: String) -> PackedWeights? {
    if name.hasSuffix(".weight") { return nil }  // as nearly all names do
    let last = name.lastIndex(of: ".").map { String(name[name.index(after: $0)...]) } ?? name
    return marks[last].map { PackedWeights(method: $0, bits: nil, evidence: name) }
  }

  /// Weights that are integers and have scales.
  private static func integers(_ name: String, _ type: ScalarType, _ stored: StoredHeaders)
    -> PackedWeights?
  {
    guard type == .u8 || type == .i8 || type == .u32 || type == .i32 else { return nil }
    let stem = name.hasSuffix(".weight") ? String(name.dropLast(".weight".count)) : name
    if name.hasSuffix("_blocks"), stored[name.dropLast("_blocks".count) + "_scales"] != nil {
      return PackedWeights(method: "mxfp4", bits: 4, evidence: name)
    }
    if type == .u32, stored["\(stem).scales"] != nil {
      let isAffine = stored["\(stem).biases"] != nil
      return PackedWeights(
        method: isAffine ? "MLX affine" : "MLX", bits: nil, evidence: name)
    }
    let scales = ["\(name)_scale_inv", "\(name)_scale", "\(stem).scale"]
    guard scales.contains(where: { stored[$0] != nil }) else { return nil }
    return PackedWeights(
      method: type == .i8 || type == .u8 ? "fp4 or int8" : "packed integers", bits: nil,
      evidence: name)
  }
}
