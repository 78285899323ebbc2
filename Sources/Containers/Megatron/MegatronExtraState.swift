/// The objects that modules of Megatron ask for beside their weights, under the names of the save.
///
/// A load without one of them fails; objects that nobody asks for are passed over. So there is one for
/// each module that has any in some version of Megatron or of Transformer Engine.
enum MegatronExtraState {
  private static let modules: Set<String> = [
    "in_proj", "out_proj", "linear_qkv", "linear_proj", "linear_fc1", "linear_fc2", "eh_proj",
    "output_layer", "input_layernorm", "pre_mlp_layernorm", "final_layernorm", "final_norm",
    "q_layernorm", "k_layernorm", "out_norm", "enorm", "hnorm",
  ]
  /// The modules of experts, whose weights are one tensor with the experts as its first extent.
  private static let experts = "experts.experts."
  /// The modules of slime's own Gated DeltaNet, which have none.
  private static let foreign = "linear_attn."
  private static let projection = "linear_qkv"
  private static let attention = "core_attention"
  /// What the name of a tensor ends with that models of Megatron alone have.
  private static let embedding = "embedding.word_embeddings.weight"

  /// The names of the objects for the tensors of a model, sorted; none for one of another library.
  static func names(beside tensors: [TensorHeader]) -> [String] {
    guard tensors.contains(where: { $0.name.hasSuffix(embedding) }) else { return [] }
    return Set(tensors.flatMap { names(beside: $0) }).sorted()
  }

  private static func names(beside tensor: TensorHeader) -> [String] {
    guard let end = tensor.name.ranges(of: ".weight").last?.lowerBound else { return [] }
    let module = tensor.name[..<end]
    let last = module.split(separator: ".").last ?? ""
    guard modules.contains(String(last)), !module.contains(foreign) else { return [] }
    if module.contains(experts), let count = tensor.shape.first {
      return (0..<count).map { "\(module)._extra_state/shard_\($0)_\(count)" }
    }
    let names = last == projection ? [module, module.dropLast(last.count) + attention] : [module]
    return names.map { "\($0)._extra_state/shard_0_1" }
  }
}
