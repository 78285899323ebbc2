import Containers
import JSON
import Layouts
import Opening

/// Which weights Qwen's own FP8 checkpoints quantise: the projections of layers, of experts and of
/// multi-token prediction. Embeddings, heads, routers, gates and projections to single numbers stay
/// plain, as all that is no matrix.
struct FP8Policy: QuantisationPolicy {
  /// The config key that holds the claim.
  let key: String

  func forms(of tensors: [BoundTensor]) throws -> [String: QuantisedForm] {
    let quantised = tensors.filter {
      $0.isUsuallyQuantised && $0.shape.count > 1 && !$0.shape.contains(0)
    }
    return Dictionary(
      quantised.map { ($0.name, .scaled) }, uniquingKeysWith: { first, _ in first })
  }

  func forms(carried tensors: [StoredTensor]) -> [String: QuantisedForm] {
    let quantised = tensors.filter { tensor in
      let parts = Self.module(of: tensor.name).split(separator: ".")
      return tensor.type.isFloat && tensor.shape.count > 1 && !tensor.shape.contains(0)
        && parts.last.map { Self.projections.contains(String($0)) } == true
    }
    return Dictionary(
      quantised.map { ($0.name, .scaled) }, uniquingKeysWith: { first, _ in first })
  }

  private static let projections = [
    "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj", "gate_up_proj",
  ]

  /// Blocks of 128 × 128, and every module that is not quantised by its name; the head too where it is
  /// the embedding, because readers make a module of it.
  func config(_ config: JSONValue, saying forms: [String: QuantisedForm], of names: [String])
    -> JSONValue
  {
    guard case .object(var object) = config else { return config }
    let plain = names.filter { forms[$0] == nil && !Self.isScale($0) }
    let modules = Set(plain.map(Self.module)).union([Self.head])
    object[key] = .object([
      "activation_scheme": "dynamic", "fmt": "e4m3",
      "modules_to_not_convert": .array(
        modules.sorted(by: Self.precedes).map { .string($0) }),
      "quant_method": "fp8", "weight_block_size": [128, 128],
    ])
    return .object(object)
  }

  private static let head = "lm_head"

  private static func isScale(_ name: String) -> Bool { name.hasSuffix("_scale_inv") }

  private static func module(of name: String) -> String {
    [".weight", ".bias"].first(where: name.hasSuffix).map { String(name.dropLast($0.count)) }
      ?? name
  }

  /// Numbers in names are compared as numbers.
  private static func precedes(_ one: String, _ other: String) -> Bool {
    let (parts, others) = (one.split(separator: "."), other.split(separator: "."))
    for (part, other) in zip(parts, others) where part != other {
      if let number = Int(part), let second = Int(other) { return number < second }
      return part < other
    }
    return parts.count < others.count
  }
}
