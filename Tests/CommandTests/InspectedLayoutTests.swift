import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// Layouts of released models that Graft inspects and no more: each tensor has its layer, and nothing is written.
@Suite struct InspectedLayoutTests {
  private func expectInspected(_ path: FilePath, _ layout: String, _ mixers: [String]) throws {
    let report = try GraftCommand.run("inspect", path.string, "--json").json()
    #expect(report["layout"]?.string == layout)
    #expect(report["layers"]?.array?.compactMap { $0["mixer"]?.string } == mixers)
    #expect(report["unknown_keys"]?.array?.isEmpty == true, "\(report["unknown_keys"] ?? .null)")
    #expect(report["vision"]?["tensors"]?.int == 0)
    let tensors = try EditableCheckpoint.tensors(of: path).values
    #expect(report["parameters"]?.int == tensors.reduce(0) { $0 + $1.shape.reduce(1, *) })
    let refused = try GraftCommand.run("convert", path.string, path.string + "-out")
    expectRefusal(refused, 69, ["layout \(layout) can be inspected and no more"])
  }

  @Test(arguments: ["comba", "gated_deltaproduct"])
  func siblingsOfGatedDeltaNet(_ kind: String) throws {
    let checkpoint = try EditableCheckpoint("fla/gdn-hybrid")
    try checkpoint.editConfig { config in
      config["model_type"] = .string(kind)
      config["use_gate"] = nil
      config["use_output_gate"] = true
      config["allow_neg_eigval"] = kind == "comba" ? nil : false
      config[kind == "comba" ? "use_inner_decay" : "num_householder"] = 1
    }
    try checkpoint.editWeights { file in
      file.tensors.append(.init("model.layers.0.attn.decay", [2], [1, 2]))
    }
    try expectInspected(checkpoint.path, kind, [kind, kind, "attention", kind])
    try checkpoint.editWeights { file in
      file.tensors.append(.init("model.layers.0.other", [1], [1]))
    }
    #expect(try checkpoint.graft("inspect").exitCode == 65)
  }

  @Test func jetBlocks() throws {
    let folder = try TemporaryDirectory()
    var tensors: [PlainCheckpointFile.Tensor] = []
    func add(_ name: String, _ shape: [Int]) {
      tensors.append(.init(name, shape, Array(repeating: 1, count: shape.reduce(1, *))))
    }
    add("model.embed_tokens.weight", [16, 8])
    add("model.norm.weight", [8])
    for layer in 0..<3 {
      let prefix = "model.layers.\(layer)."
      for norm in ["input", "post_attention"] { add(prefix + norm + "_layernorm.weight", [8]) }
      for name in ["gate", "up"] { add(prefix + "mlp.\(name)_proj.weight", [12, 8]) }
      add(prefix + "mlp.down_proj.weight", [8, 12])
      for name in ["q", "k", "v"] {
        add(prefix + "self_attn.\(name)_proj.weight", [8, 8])
        if layer > 0 { add(prefix + "self_attn.\(name)_proj.bias", [8]) }
      }
      add(prefix + "self_attn.o_proj.weight", [8, 8])
    }
    add("model.layers.0.self_attn.dynamic_conv1d.kernel_generator.w1.weight", [2, 8])
    let path = folder.path
    try folder.write("model.safetensors", PlainCheckpointFile(tensors).bytes)
    try folder.write(
      "config.json",
      #"""
      {"architectures": ["JetNemotronForCausalLM"], "model_type": "jet_nemotron", "vocab_size": 16, "hidden_size": 8,
       "num_hidden_layers": 3, "layer_types": ["jet", "attn", "swa"], "num_attention_heads": 2,
       "num_key_value_heads": 2, "intermediate_size": 12, "max_position_embeddings": 64, "rope_theta": 1000.0,
       "rope_scaling": null, "tie_word_embeddings": true, "hidden_act": "silu", "use_mrope": false,
       "efficient_attention_config": {"jet": {"num_heads": 2}, "swa": {"window_size": 4}}}
      """#.utf8)
    try expectInspected(path, "jet_nemotron", ["jet", "attention", "swa"])
  }
}
