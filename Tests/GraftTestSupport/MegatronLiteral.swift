import Foundation
import JSON
import SystemPackage

/// A checkpoint of Megatron-Core made of one of the hub, tensor by tensor, without the code that is tested.
public struct MegatronLiteral {
  /// Which of Megatron's models.
  public enum Kind: Sendable, CaseIterable {
    case gpt, hybrid, slime
  }

  /// How it is made.
  public struct Form: Sendable {
    /// Which of Megatron's models.
    public var kind = Kind.gpt
    /// The number of tensor-parallel ranks.
    public var tensorParallel = 1
    /// The number of rows that embedding and head have more than the vocabulary.
    public var padding = 0
    /// What stands before all names of the language model.
    public var prefix = ""

    /// A model of one rank, without padding.
    public init(
      _ kind: Kind = .gpt, tensorParallel: Int = 1, padding: Int = 0, prefix: String = ""
    ) {
      (self.kind, self.tensorParallel) = (kind, tensorParallel)
      (self.padding, self.prefix) = (padding, prefix)
    }
  }

  private typealias Tensor = PlainCheckpointFile.Tensor
  private let form: Form
  private let config: JSONValue
  private let source: [String: PlainCheckpointFile.Tensor]
  private let isGrouped: Bool
  private var made: [TorchDistLiteral.Tensor] = []

  /// The directory of a model of Qwen3-Next or Qwen3.5, with its options and whatever Megatron stores
  /// beside weights.
  public static func directory(of model: FilePath, _ form: Form = Form()) throws -> TorchDistLiteral
  {
    var maker = try MegatronLiteral(model, form)
    maker.addAll()
    var directory = TorchDistLiteral(maker.made)
    directory.ranks = 2
    directory.objects = [
      "\(form.prefix)decoder.layers.0.self_attention.in_proj._extra_state/shard_0_1",
      "rng_state/shard_0.0_1.1",
    ]
    directory.tensors.append(
      .init(
        Tensor(
          "optimizer.state.exp_avg.decoder.final_layernorm.weight", "F32", [2],
          [UInt8](repeating: 0, count: 8))))
    directory.common = TorchDistLiteral.common(maker.arguments)
    return directory
  }

  private init(_ model: FilePath, _ form: Form) throws {
    let outer = try JSONValue(parsing: Fixtures.contents(model.appending("config.json")))
    config = outer["text_config"] ?? outer
    self.form = form
    let tensors = try EditableCheckpoint.tensors(of: model)
    source = Dictionary(
      tensors.map { name, tensor in
        (name.replacing("model.language_model.", with: "model."), tensor)
      }, uniquingKeysWith: { first, _ in first })
    isGrouped = tensors.keys.contains { $0.hasSuffix("in_proj_qkvz.weight") }
  }

  private func number(_ key: String) -> Int { config[key]?.int ?? 0 }
  private var layers: Int { number("num_hidden_layers") }
  private func isLinear(_ layer: Int) -> Bool {
    source["model.layers.\(layer).linear_attn.A_log"] != nil
  }
  private var experts: Int { number("num_experts") }

  // MARK: Tensors

  private mutating func add(_ name: String, _ tensor: Tensor, _ parts: [Int: Int] = [:]) {
    var tensor = tensor
    tensor.name = form.prefix + name
    made.append(.init(tensor, parts: parts))
  }

  private mutating func addAll() {
    let tp = form.tensorParallel
    for (name, source) in [
      ("embedding.word_embeddings.weight", "model.embed_tokens.weight"),
      ("output_layer.weight", "lm_head.weight"),
    ] {
      guard var tensor = self.source[source] else { continue }
      let row = tensor.bytes.count / tensor.shape[0]
      tensor.shape[0] += form.padding
      tensor.bytes += (0..<form.padding * row).map { UInt8($0 % 61) }
      add(name, tensor, [0: tp])
    }
    let last = form.kind == .hybrid ? "decoder.final_norm.weight" : "decoder.final_layernorm.weight"
    add(last, self["model.norm.weight"])
    for layer in 0..<layers {
      let (mixer, mlp) = form.kind == .hybrid ? (2 * layer, 2 * layer + 1) : (layer, layer)
      addLayer(
        "model.layers.\(layer).", "decoder.layers.\(mixer).", "decoder.layers.\(mlp).",
        isLinear(layer))
    }
    guard source["mtp.fc.weight"] != nil else { return }
    add("mtp.layers.0.eh_proj.weight", self["mtp.fc.weight"], [0: tp])
    add("mtp.layers.0.enorm.weight", self["mtp.pre_fc_norm_embedding.weight"])
    add("mtp.layers.0.hnorm.weight", self["mtp.pre_fc_norm_hidden.weight"])
    add("mtp.layers.0.final_layernorm.weight", self["mtp.norm.weight"])
    let inner =
      form.kind == .hybrid
      ? ["mtp.layers.0.mtp_model_layer.layers.0.", "mtp.layers.0.mtp_model_layer.layers.1."]
      : [String](repeating: "mtp.layers.0.transformer_layer.", count: 2)
    addLayer("mtp.layers.0.", inner[0], inner[1], false)
  }

  private subscript(name: String) -> Tensor { source[name] ?? Tensor(name, "F32", [0], []) }

  private mutating func addLayer(
    _ from: String, _ mixer: String, _ mlp: String, _ isLinear: Bool
  ) {
    let place = mixer + "self_attention."
    switch (isLinear, form.kind) {
    case (true, .slime):
      add(place + "input_layernorm.weight", self[from + "input_layernorm.weight"])
      for (name, tensor) in source where name.hasPrefix(from + "linear_attn.") {
        add(place + name.dropFirst(from.count), tensor)
      }
    case (true, _): addLinear(from, place)
    case (false, _): addAttention(from, place)
    }
    experts > 0 ? addExperts(from, mlp) : addDense(from, mlp)
  }

  private mutating func addLinear(_ from: String, _ place: String) {
    let tp = form.tensorParallel
    let (nk, nv) = (number("linear_num_key_heads"), number("linear_num_value_heads"))
    let (dk, dv) = (number("linear_key_head_dim"), number("linear_value_head_dim"))
    let sizes = [nk * dk, nk * dk, nv * dv]
    let projections: [Tensor]
    if isGrouped {
      let r = nv / nk
      let wide = self[from + "linear_attn.in_proj_qkvz.weight"].regrouped(
        nk, [dk, dk, r * dv, r * dv])
      let narrow = self[from + "linear_attn.in_proj_ba.weight"].regrouped(nk, [r, r])
      projections = wide + narrow
    } else {
      projections =
        self[from + "linear_attn.in_proj_qkv.weight"].cut(sizes)
        + ["z", "b", "a"].map { self[from + "linear_attn.in_proj_\($0).weight"] }
    }
    add(place + "in_proj.layer_norm_weight", self[from + "input_layernorm.weight"])
    let names = ["query", "key", "value", "z", "beta", "alpha"]
    for (name, tensor) in zip(names, projections) {
      add(place + "in_proj.weight." + name, tensor, [0: tp])
    }
    for (name, tensor) in zip(names, self[from + "linear_attn.conv1d.weight"].cut(sizes)) {
      add(place + "conv1d.weight." + name, tensor, [0: tp])
    }
    add(place + "A_log", self[from + "linear_attn.A_log"], [0: tp])
    add(place + "dt_bias", self[from + "linear_attn.dt_bias"], [0: tp])
    add(place + "out_norm.weight", self[from + "linear_attn.norm.weight"].lessOne)
    add(place + "out_proj.weight", self[from + "linear_attn.out_proj.weight"], [1: tp])
  }

  private mutating func addAttention(_ from: String, _ place: String) {
    let tp = form.tensorParallel
    let (groups, heads) = (number("num_key_value_heads"), number("num_attention_heads"))
    let (dim, r) = (number("head_dim"), heads / groups)
    let queries = self[from + "self_attn.q_proj.weight"].regrouped(heads, [dim, dim])
    let parts = zip(
      queries + [self[from + "self_attn.k_proj.weight"], self[from + "self_attn.v_proj.weight"]],
      [r * dim, r * dim, dim, dim])
    let woven = (0..<groups).flatMap { group in
      parts.map { $0.rows(group * $1, $1) }
    }
    add(place + "linear_qkv.layer_norm_weight", self[from + "input_layernorm.weight"])
    add(place + "linear_qkv.weight", .joined(woven), [0: tp])
    add(place + "q_layernorm.weight", self[from + "self_attn.q_norm.weight"])
    add(place + "k_layernorm.weight", self[from + "self_attn.k_norm.weight"])
    add(place + "linear_proj.weight", self[from + "self_attn.o_proj.weight"], [1: tp])
  }

  private mutating func addDense(_ from: String, _ place: String) {
    let tp = form.tensorParallel
    let halves = ["gate", "up"].map { self[from + "mlp.\($0)_proj.weight"] }
    add(place + "mlp.linear_fc1.layer_norm_weight", self[from + "post_attention_layernorm.weight"])
    add(place + "mlp.linear_fc1.weight", .joined(halves), [0: 2 * tp])
    add(place + "mlp.linear_fc2.weight", self[from + "mlp.down_proj.weight"], [1: tp])
  }

  private mutating func addExperts(_ from: String, _ place: String) {
    let tp = form.tensorParallel
    func expert(_ name: String) -> Tensor {
      if let fused = source[from + "mlp.experts.\(name)"] { return fused }
      let all = (0..<experts).map { index -> Tensor in
        let one = from + "mlp.experts.\(index)."
        return name == "down_proj"
          ? self[one + "down_proj.weight"]
          : .joined([self[one + "gate_proj.weight"], self[one + "up_proj.weight"]])
      }
      var stacked = Tensor.joined(all)
      stacked.shape = [experts] + all[0].shape
      return stacked
    }
    let shared = ["gate", "up"].map { self[from + "mlp.shared_expert.\($0)_proj.weight"] }
    add(place + "pre_mlp_layernorm.weight", self[from + "post_attention_layernorm.weight"])
    add(place + "mlp.router.weight", self[from + "mlp.gate.weight"])
    add(
      place + "mlp.experts.experts.linear_fc1.weight", expert("gate_up_proj"),
      [0: experts, 1: 2 * tp])
    add(place + "mlp.experts.experts.linear_fc2.weight", expert("down_proj"), [0: experts, 2: tp])
    add(place + "mlp.shared_experts.linear_fc1.weight", .joined(shared), [0: 2 * tp])
    add(
      place + "mlp.shared_experts.linear_fc2.weight",
      self[from + "mlp.shared_expert.down_proj.weight"], [1: tp])
    add(place + "mlp.shared_experts.gate_weight", self[from + "mlp.shared_expert_gate.weight"])
  }

  // MARK: Options

  private func int(_ key: String) -> PickleLiteral { config[key]?.int.map { .int($0) } ?? .none }

  private func real(_ key: String, _ standard: Double) -> PickleLiteral {
    let rope = config["rope_parameters"] ?? config["rope_scaling"]
    return .real(config[key]?.number ?? rope?[key]?.number ?? standard)
  }

  private var arguments: KeyValuePairs<String, PickleLiteral> {
    let kinds = (0..<layers).map(isLinear)
    let tail = experts > 0 ? "E" : "-"
    let pattern = kinds.map { ($0 ? "G" : "*") + tail }.joined()
    let isHybrid = form.kind == .hybrid
    return [
      "num_layers": .int(isHybrid ? 2 * layers : layers), "hidden_size": int("hidden_size"),
      "ffn_hidden_size": int(experts > 0 ? "moe_intermediate_size" : "intermediate_size"),
      "num_attention_heads": int("num_attention_heads"),
      "num_query_groups": int("num_key_value_heads"), "kv_channels": int("head_dim"),
      "normalization": .text("RMSNorm"), "norm_epsilon": real("rms_norm_eps", 1e-6),
      "apply_layernorm_1p": .bool(true), "add_bias_linear": .bool(false),
      "qk_layernorm": .bool(true), "attention_output_gate": .bool(true), "swiglu": .bool(true),
      "experimental_attention_variant": .text("gated_delta_net"),
      "linear_attention_freq": isHybrid ? .int(4) : .list(kinds.map { .int($0 ? 1 : 0) }),
      "hybrid_layer_pattern": isHybrid
        ? .text(pattern + (source["mtp.fc.weight"] == nil ? "" : "/*" + tail)) : .none,
      "linear_conv_kernel_dim": int("linear_conv_kernel_dim"),
      "linear_key_head_dim": int("linear_key_head_dim"),
      "linear_value_head_dim": int("linear_value_head_dim"),
      "linear_num_key_heads": int("linear_num_key_heads"),
      "linear_num_value_heads": int("linear_num_value_heads"),
      "num_experts": experts > 0 ? .int(experts) : .none,
      "moe_router_topk": int("num_experts_per_tok"),
      "moe_ffn_hidden_size": int("moe_intermediate_size"),
      "moe_shared_expert_intermediate_size": int("shared_expert_intermediate_size"),
      "moe_shared_expert_gate": .bool(experts > 0),
      "position_embedding_type": .text("rope"), "rotary_base": real("rope_theta", 10_000),
      "rotary_percent": real("partial_rotary_factor", 0.25),
      "untie_embeddings_and_output_weights": .bool(source["lm_head.weight"] != nil),
      "vocab_size": int("vocab_size"), "max_position_embeddings": int("max_position_embeddings"),
      "mtp_num_layers": source["mtp.fc.weight"] == nil ? .none : .int(1),
      "params_dtype": .global("torch", "float32"),
    ]
  }
}

extension PlainCheckpointFile.Tensor {
  /// Some rows.
  fileprivate func rows(_ start: Int, _ count: Int) -> Self {
    let row = bytes.count / shape[0]
    let range = start * row..<(start + count) * row
    return Self(name, type, [count] + shape.dropFirst(), Array(bytes[range]))
  }

  /// Blocks of rows, one after the other.
  fileprivate func cut(_ sizes: [Int]) -> [Self] {
    var start = 0
    return sizes.map { size in
      defer { start += size }
      return rows(start, size)
    }
  }

  /// The parts of groups of rows, each part with its rows of all groups.
  fileprivate func regrouped(_ groups: Int, _ sizes: [Int]) -> [Self] {
    let all = (0..<groups).map { rows($0 * sizes.reduce(0, +), sizes.reduce(0, +)).cut(sizes) }
    return sizes.indices.map { part in .joined(all.map { $0[part] }) }
  }

  /// Tensors end to end.
  fileprivate static func joined(_ tensors: [Self]) -> Self {
    let rows = tensors.reduce(0) { $0 + $1.shape[0] }
    return Self(
      "", tensors[0].type, [rows] + tensors[0].shape.dropFirst(), tensors.flatMap(\.bytes))
  }

  /// The values less one, in F32.
  fileprivate var lessOne: Self {
    let count = shape.reduce(1, *)
    let width = bytes.count / count
    let values = (0..<count).map { index -> Float in
      let bits = bytes[index * width..<(index + 1) * width].reversed().reduce(UInt32(0)) {
        $0 << 8 | UInt32($1)
      }
      return Float(bitPattern: width == 2 ? bits << 16 : bits) - 1
    }
    return Self(name, "F32", shape, values.flatMap { GGUFLiteral.number($0.bitPattern) })
  }
}

extension EditableCheckpoint {
  /// A copy of a model with a layer of multi-token prediction that looks like its first one with attention.
  public static func predicting(_ fixture: String) throws -> EditableCheckpoint {
    let copy = try EditableCheckpoint(fixture)
    try copy.editWeights { file in
      let mark = ".self_attn.q_proj.weight"
      guard let query = file.tensors.first(where: { $0.name.hasSuffix(mark) }),
        var norm = file["model.norm.weight"]
      else { throw CocoaError(.fileReadCorruptFile) }
      let place = query.name.dropLast(mark.count)
      for var tensor in file.tensors where tensor.name.hasPrefix(place + ".") {
        tensor.name = "mtp.layers.0" + tensor.name.dropFirst(place.count)
        file[tensor.name] = tensor
      }
      for name in ["pre_fc_norm_embedding", "pre_fc_norm_hidden", "norm"] {
        norm.name = "mtp.\(name).weight"
        file[norm.name] = norm
      }
      let hidden = norm.shape[0]
      file["mtp.fc.weight"] = .init(
        "mtp.fc.weight", "BF16", [hidden, 2 * hidden],
        (0..<4 * hidden * hidden).map { UInt8($0 % 60) })
    }
    return copy
  }
}
