import JSON
import Tensors

/// The options with which the tools of Megatron build a model, made of those that a layout names.
public struct MegatronOptions: Sendable {
  /// The options under the names of Megatron-Core.
  let named: JSONObject
  /// The type of the weights.
  let type: ScalarType

  /// Options from the config that a layout writes.
  public init(named: JSONObject, type: ScalarType) { (self.named, self.type) = (named, type) }

  /// What Megatron-LM calls some of them.
  private static let names = [
    "num_moe_experts": "num_experts", "layernorm_epsilon": "norm_epsilon",
    "layernorm_zero_centered_gamma": "apply_layernorm_1p", "gated_linear_unit": "swiglu",
    positions: "seq_length",
  ]
  private static let positions = "max_position_embeddings"
  /// What Megatron-Bridge does not know, because it is called otherwise or follows from the others.
  private static let unknown: Set<String> = [
    positions, "group_query_attention", "rotary_seq_len_interpolation_factor",
  ]
  private static let shared = "share_embeddings_and_output_weights"
  private static let rows = "vocab_size"
  private static let groups = "num_query_groups"
  private static let activation = "activation_func"
  private static let variant = "gated_delta_net"
  /// How Megatron is to store the projections of Gated DeltaNet: in parts, as any number of ranks reads them.
  private static let parts = "hetereogenous_dist_checkpoint"

  /// Whether Megatron-Bridge has a model for them: one whose layers hold mixer and feed-forward both.
  var areOfBridge: Bool { named["linear_attention_freq"] != nil }

  /// The options of Megatron-LM, under both names where there are two.
  var arguments: JSONObject {
    var arguments = named
    arguments[Self.activation] = nil
    for (name, other) in Self.names { arguments[other] = named[name] }
    let hasDeltaRule = named["linear_num_value_heads"] != nil
    let own: JSONObject = [
      "experimental_attention_variant": hasDeltaRule ? .string(Self.variant) : .null,
      "num_experts": named["num_moe_experts"] ?? .null,
      "untie_embeddings_and_output_weights": .bool(named[Self.shared] == .bool(false)),
      "group_query_attention": named[Self.groups]?.int == nil ? .null : true,
      "padded_vocab_size": named[Self.rows] ?? .null, "make_vocab_size_divisible_by": 1,
      "multi_latent_attention": false, "q_lora_rank": .null, Self.parts: true,
      "bf16": .bool(type == .bf16), "fp16": .bool(type == .f16),
    ]
    for (name, value) in own.entries { arguments[name] = value }
    return arguments
  }

  /// The model in the words of Megatron-Bridge, which calls what `_target_` names and hands all other
  /// members over.
  var bridge: JSONValue {
    var model: JSONObject = ["_target_": "megatron.bridge.models.gpt_provider.GPTModelProvider"]
    for (name, value) in named.entries where !Self.unknown.contains(name) { model[name] = value }
    let own: JSONObject = [
      "seq_length": named[Self.positions] ?? 4096,
      Self.activation: Self.object("torch.nn.functional.silu"),
      "params_dtype": Self.object("torch.\(type.torchType ?? "float32")"),
      "transformer_layer_spec": Self.object(
        "megatron.core.models.gpt.experimental_attention_variant_module_specs"
          + ".get_transformer_block_with_experimental_attention_variant_spec"),
      "experimental_attention_variant": .string(Self.variant), Self.parts: true,
      "should_pad_vocab": false, "make_vocab_size_divisible_by": 1,
      "tensor_model_parallel_size": 1, "pipeline_model_parallel_size": 1,
    ]
    for (name, value) in own.entries { model[name] = value }
    return [
      "_target_": "megatron.bridge.training.config.ConfigContainer", "model": .object(model),
      "checkpoint": ["save_optim": false, "save_rng": false, "fully_parallel_save": false],
    ]
  }

  /// An object of Python that is named and not called.
  private static func object(_ name: String) -> JSONValue {
    ["_target_": .string(name), "_call_": false]
  }
}
