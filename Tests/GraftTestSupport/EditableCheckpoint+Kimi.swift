import JSON

extension EditableCheckpoint {
  /// Cuts the heads of latent attention of the small Kimi Linear to those of its other layers, as llama.cpp needs them.
  public func giveAttentionTheHeadsOfKimiDeltaAttention() throws {
    let heads = 3
    try editConfig {
      $0["num_attention_heads"] = JSONValue(heads)
      $0["num_key_value_heads"] = JSONValue(heads)
    }
    try editWeights { file in
      for layer in [2, 4] {
        let name = "model.layers.\(layer).self_attn."
        for part in ["q_proj", "kv_b_proj"] {
          guard var tensor = file[name + part + ".weight"] else { continue }
          tensor.shape[0] = tensor.shape[0] / 4 * heads
          tensor.floats = Array(tensor.floats.prefix(tensor.shape.reduce(1, *)))
          file[tensor.name] = tensor
        }
        guard var output = file[name + "o_proj.weight"] else { continue }
        let (old, new) = (output.shape[1], output.shape[1] / 4 * heads)
        let values = output.floats
        output.floats = values.indices.filter { $0 % old < new }.map { values[$0] }
        output.shape[1] = new
        file[output.name] = output
      }
    }
  }
}
