import Containers
import Layouts
import Tensors

/// Which types llama-quantize gives to the tensors of a file, after llama.cpp b11549.
///
/// Some tensors get more bits than the kind says: the head, and in some layers what goes out of the
/// MLP and the values of attention. Where rows do not fill the blocks of a type, another takes its place.
struct BlockPolicy: QuantisationPolicy {
  private let kind: QuantisationKind
  /// Whether it is known how much inputs matter, so that IQ4_NL needs no more bits in the first layers.
  private let knowsImportances: Bool

  /// The policy of a kind; nil for kinds that are no files of llama.cpp.
  init?(_ kind: QuantisationKind, knowsImportances: Bool = false) {
    guard kind.blocks != nil else { return nil }
    (self.kind, self.knowsImportances) = (kind, knowsImportances)
  }

  func forms(of tensors: [BoundTensor]) -> [String: QuantisedForm] {
    let model = BlockModel(tensors)
    let quantised = tensors.filter(Self.isQuantised).map { tensor in
      let type = type(of: BlockTensor(tensor), in: model)
      return (tensor.name, QuantisedForm.blocks(type.fitting(row: tensor.shape.last ?? 1)))
    }
    return Dictionary(quantised, uniquingKeysWith: { first, _ in first })
  }

  /// Matrices but for routers and convolutions; ggml counts no axes of one element.
  private static func isQuantised(_ tensor: BoundTensor) -> Bool {
    tensor.shape.dropLast().contains { $0 > 1 } && tensor.name.hasSuffix("weight")
      && !["_norm.weight", "ffn_gate_inp.weight", "ssm_conv1d", ".position_embd", ".patch_embd"]
        .contains { tensor.name.contains($0) }
      && !["v.", "mm."].contains { tensor.name.hasPrefix($0) }
  }

  private func type(of tensor: BlockTensor, in model: BlockModel) -> ScalarType {
    let base = kind.blocks ?? .q8Zero
    if tensor.part == .head || (model.isTied && tensor.part == .embedding) {
      let isWhole = tensor.row % base.unit.elements == 0
      return base == .q8Zero || kind == .mxfp4 || !isWhole ? .q8Zero : .q6K
    }
    if kind == .mxfp4 { return tensor.isStack ? .mxfp4 : .q8Zero }
    switch tensor.part {
    case .values: return values(tensor.layer, base, model)
    case .keys: return model.experts == 8 ? .q8Zero : base
    case .down: return down(tensor.layer, base, model)
    case .attentionOutput:
      return model.experts == 8 && (kind == .q4KM || kind == .iq4NL) ? .q5K : base
    default: return base
    }
  }

  /// The values of attention, alone or with queries and keys.
  private func values(_ layer: Int, _ base: ScalarType, _ model: BlockModel) -> ScalarType {
    if model.experts == 8 { return .q8Zero }
    if kind == .iq4NL { return model.sharing >= 4 ? .q5K : base }
    return hasMore(model.valueRank[layer] ?? 0, of: model.valueRank.count) ? .q6K : base
  }

  /// What goes out of an MLP.
  private func down(_ layer: Int, _ base: ScalarType, _ model: BlockModel) -> ScalarType {
    if kind == .iq4NL {
      return layer < model.layers / 8 && !knowsImportances ? .q5K : base
    }
    return hasMore(layer, of: model.layers) ? .q6K : base
  }

  /// Whether a layer gets more bits: one of the first and last eighths, or each third between.
  private func hasMore(_ layer: Int, of layers: Int) -> Bool {
    guard kind == .q4KM || kind == .q5KM else { return false }
    return MLXMixture.hasMore(layer, of: layers)
  }
}

extension ConversionOptions {
  /// Carried tensors that decide, with all others, which types a file of llama.cpp has.
  func layersBeside(_ carried: [StoredTensor]) -> [BoundTensor] {
    guard quantisation?.blocks != nil else { return [] }
    return carried.map { BoundTensor(carrying: $0.name, shape: $0.shape) }
  }

  /// Tensors as llama-quantize lays them out, for files that it could write: layers in the order of their
  /// numbers, each by name, after everything else; no axes of one element before others.
  func laidOut(_ tensors: [CheckpointPlan.Tensor]) -> [CheckpointPlan.Tensor] {
    guard quantisation?.blocks != nil else { return tensors }
    return tensors.map { (layer: BlockTensor.layer($0.name), tensor: $0.withoutOuterOnes) }
      .sorted { a, b in
        a.layer == b.layer
          ? a.tensor.name.utf8.lexicographicallyPrecedes(b.tensor.name.utf8) : a.layer < b.layer
      }.map(\.tensor)
  }
}

extension CheckpointPlan.Tensor {
  /// The same with a shape that begins with no axis of one element but the last.
  fileprivate var withoutOuterOnes: Self {
    let outer = shape.dropLast().prefix { $0 == 1 }.count
    return Self(
      name: name, type: type, shape: Array(shape.dropFirst(outer)), rule: rule, content: content)
  }
}
