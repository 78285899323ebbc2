import Canonical
import Diagnostics
import JSON
import Layouts
import Opening
import Packing
import Tensors

/// Which weights mlx-lm packs when it converts a model: those of every linear layer, of stacked experts and of
/// the embedding whose rows are whole groups; routers and the gates of shared experts with 8 bits in
/// groups of 64, whatever the others have. Convolutions, norms and M²RNN layers stay plain.
struct MLXPolicy: QuantisationPolicy {
  /// The form of all weights but routers.
  let form: MLXForm
  /// Which weights have other bits; nil for routers alone.
  private let mixture: MLXMixture?
  /// How many layers the model has.
  private let layers: Int
  /// The type of what is not packed, and of scales and biases.
  private let type: ScalarType
  /// Whether the config states it, so that mlx-lm casts what would stay wide otherwise.
  private let isStated: Bool

  /// - Parameter source: a model whose config states the type to which mlx-lm casts it under one of the keys
  ///   that it reads; else weights decide.
  init(_ form: MLXForm, mixture: MLXMixture? = nil, for source: OpenedModel) {
    (self.form, self.mixture) = (form, mixture)
    layers = source.configuration.layers.count
    let config = source.config.value
    let names = [config["torch_dtype"], config["text_config"]?["dtype"]]
    let stated = names.lazy.compactMap(\.?.string).first.flatMap { Self.types[$0] }
    let stored = source.canonical.tensors[Role("embedding")]?.type
    let known = stored.flatMap { Self.types.values.contains($0) ? $0 : nil }
    (type, isStated) = (stated ?? known ?? .bf16, stated != nil)
  }

  private static let types: [String: ScalarType] = [
    "float32": .f32, "bfloat16": .bf16, "float16": .f16,
  ]
  private static let router = MLXForm(.affine, bits: 8, group: 64)
  private static let routers = [".mlp.gate", ".shared_expert_gate"]

  func forms(of tensors: [BoundTensor]) throws -> [String: QuantisedForm] {
    let forms = tensors.map { ($0.name, form(of: $0)) }
    guard forms.contains(where: { $0.1.isOfMLX }) else {
      throw Problem(
        .unsupported, "no weight of the model has rows of whole groups",
        expected: "rows of a multiple of \(form.group) values", found: "none",
        remedy: "choose a smaller --group-size, or a kind with smaller groups")
    }
    return Dictionary(forms, uniquingKeysWith: { first, _ in first })
  }

  /// In groups of its own size, or of that of the others where the way of packing leaves a choice.
  func form(_ kind: QuantisationKind, of tensor: BoundTensor) throws -> QuantisedForm {
    let group = form.mode == .affine && kind.isAffine ? form.group : nil
    guard let own = try kind.mlxForm(group: group), Self.isOfModule(tensor),
      (tensor.shape.last ?? 0) % own.group == 0
    else {
      throw Problem(
        .unsupported, "a weight cannot be packed so", tensor: tensor.name,
        expected: "the matrix of a linear layer, of experts or of an embedding, in whole groups",
        found: "\(kind.rawValue) for \(tensor.shape)",
        remedy: "leave it out of the pattern of --dtype-for, or choose a kind with smaller groups")
    }
    return .mlx(own)
  }

  private func form(of tensor: BoundTensor) -> QuantisedForm {
    let columns = tensor.shape.last ?? 0
    guard Self.isOfModule(tensor), columns % form.group == 0 else { return plain(tensor) }
    if let mixture {
      let bits = mixture.bits(of: tensor.module, layers: layers)
      return .mlx(MLXForm(.affine, bits: bits, group: form.group))
    }
    guard Self.routers.contains(where: tensor.module.hasSuffix) else { return .mlx(form) }
    return columns % Self.router.group == 0 ? .mlx(Self.router) : plain(tensor)
  }

  /// Decay rates of Qwen3.5 and of M²RNN layers keep their type, as the models of mlx-lm ask.
  private func plain(_ tensor: BoundTensor) -> QuantisedForm {
    let isDecay = tensor.name.hasSuffix(".A_log") && tensor.name.hasPrefix("language_model.")
    let keeps = isDecay || tensor.name.contains(".decay_gate.")
    return .plain(isStated && !keeps ? .byName(type) : keeps ? .keep : .everywhere(type))
  }

  /// Whether a tensor is the weight of a module that MLX packs.
  private static func isOfModule(_ tensor: BoundTensor) -> Bool {
    tensor.shape.count > 1 && !tensor.shape.contains(0) && tensor.name.hasSuffix(".weight")
      && !tensor.module.hasSuffix("conv1d") && !tensor.module.contains(".m2rnn.")
  }

  /// The form of most weights, and those of the modules with another, under both of mlx-lm's keys; in
  /// mixtures those of all modules.
  func config(_ config: JSONValue, saying forms: [String: QuantisedForm], of names: [String])
    -> JSONValue
  {
    guard case .object(var object) = config else { return config }
    var claim = form.claim
    for name in names {
      guard case .mlx(let other)? = forms[name], other != form || mixture != nil else { continue }
      let module = String(name.dropLast(".weight".count))
      // mlx-lm says nothing of the mode of routers, which it takes to be affine.
      let isRouter = other == Self.router && Self.routers.contains(where: module.hasSuffix)
      claim[module] = .object(
        isRouter && mixture == nil
          ? ["group_size": JSONValue(other.group), "bits": JSONValue(other.bits)] : other.claim)
    }
    for key in ["quantization", "quantization_config"] { object[key] = .object(claim) }
    return .object(object)
  }
}
