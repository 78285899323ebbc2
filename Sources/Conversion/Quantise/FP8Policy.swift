import Containers
import Diagnostics
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
    let forms = Self.forms(tensors.filter(\.isUsuallyQuantised).map { ($0.name, $0.shape) })
    guard !forms.isEmpty else {
      throw Problem(
        .unsupported, "no weight of the model is cut into whole blocks",
        expected: "projections of which each axis is a multiple of \(Self.block) or shorter",
        found: "none", remedy: "choose another kind of quantised weights")
    }
    return forms
  }

  func forms(carried tensors: [StoredTensor]) -> [String: QuantisedForm] {
    let projections = tensors.filter { tensor in
      let last = Self.module(of: tensor.name).split(separator: ".").last
      return tensor.type.isFloat && last.map { Self.projections.contains(String($0)) } == true
    }
    return Self.forms(projections.map { ($0.name, $0.shape) })
  }

  /// Of experts all are quantised or none, because readers take them together.
  private static func forms(_ weights: [(name: String, shape: [Int])]) -> [String: QuantisedForm] {
    let torn = Set(weights.filter { !isWhole($0.shape) }.compactMap { experts($0.name) })
    let quantised = weights.filter { weight in
      isWhole(weight.shape) && experts(weight.name).map { !torn.contains($0) } != false
    }
    return Dictionary(
      quantised.map { ($0.name, .scaled) }, uniquingKeysWith: { first, _ in first })
  }

  private static let block = 128

  /// Whether an axis is a multiple of a block or one shorter block; where transformers dequantises, it
  /// takes other axes to be cut into equal blocks.
  private static func isWhole(_ shape: [Int]) -> Bool {
    shape.count > 1 && !shape.contains(0)
      && shape.suffix(2).allSatisfy { $0 <= block || $0 % block == 0 }
  }

  /// The module that holds the expert of a weight; nil for a weight of none.
  private static func experts(_ name: String) -> String? {
    name.firstRange(of: ".experts.").map { String(name[..<$0.lowerBound]) + ".experts" }
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
    let modules = Set(plain.map(Self.module) + plain.compactMap(Self.experts) + [Self.head])
    object[key] = .object([
      "activation_scheme": "dynamic", "fmt": "e4m3",
      "modules_to_not_convert": .array(
        modules.sorted(by: Self.precedes).map { .string($0) }),
      "quant_method": "fp8", "weight_block_size": [JSONValue(Self.block), JSONValue(Self.block)],
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
