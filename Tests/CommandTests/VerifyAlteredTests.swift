import GraftTestSupport
import JSON
import Testing

/// An altered tensor is noticed, and the layer it belongs to is the one that is named.
@Suite struct VerifyAlteredTests {
  /// A change of one tensor.
  struct Change: CustomTestStringConvertible, Sendable {
    let fixture: String
    let tensor: String
    let change: @Sendable (Float) -> Float
    var testDescription: String { "\(fixture) \(tensor)" }

    init(_ fixture: String, _ tensor: String, _ change: @escaping @Sendable (Float) -> Float) {
      (self.fixture, self.tensor, self.change) = (fixture, tensor, change)
    }
  }

  private static let layer2 = "transformer.h.2."
  private static let mixer = "transformer.h.2.sequence_mixer."

  static let inLayer2: [Change] = [
    Change("lm-engine/gdn-hybrid", mixer + "c_attn.weight") { $0 * 1.5 },
    Change("lm-engine/gdn-hybrid", layer2 + "mlp_block.c_proj.weight") { _ in 0 },
    Change("lm-engine/gdn-hybrid", layer2 + "ln_1.weight") { $0 * 1.1 },
    Change("lm-engine/gdn-hybrid", layer2 + "ln_2.weight") { $0 + 1 },
    Change("options/gdn-heads", mixer + "decay_gate.A_log") { -$0 },
    Change("options/gdn-heads", mixer + "decay_gate.dt_bias") { _ in 0 },
    Change("options/gdn-heads", mixer + "qkv_conv1d.weight") { $0 * 0.9 },
    Change("options/gdn-heads", mixer + "o_norm.weight") { $0 + 1 },
    Change("options/gdn-options", mixer + "ab_proj.weight") { -$0 },
    Change("options/gdn-long", mixer + "o_proj.weight") { $0 * 1.01 },
    Change("options/m2rnn-heads-divisor", mixer + "state_weight") { $0 * 1.05 },
    Change("options/m2rnn-heads-divisor", mixer + "D") { -$0 },
    Change("options/m2rnn-norm", mixer + "decay_gate.dt_bias") { $0 + 1 },
    Change("options/m2rnn-convolution", mixer + "input_projection.weight") { $0 * 0.9 },
    Change("options/moe-bias", layer2 + "mlp_block.gate.weight") { -$0 },
    Change("options/moe-shared-gate", layer2 + "mlp_block.shared_expert_gate.weight") { -$0 },
  ]

  @Test(arguments: inLayer2)
  func layer2IsNamed(_ change: Change) throws {
    let checkpoint = try EditableCheckpoint(change.fixture)
    let report = try report(checkpoint, change)
    #expect(report["first_divergent_layer"] == 2)
    let layers = try #require(report["layers"]?.array)
    #expect(layers[2]["max_abs"]?.number ?? 0 > layers[1]["max_abs"]?.number ?? .infinity)
  }

  static let behindTheLayers: [Change] = [
    Change("lm-engine/gdn-hybrid", "transformer.ln_f.weight") { $0 * 1.01 },
    Change("lm-engine/gdn-hybrid", "lm_head.weight") { $0 * 0.99 },
    Change("options/layernorm", "transformer.ln_f.bias") { $0 + 0.1 },
  ]

  @Test(arguments: behindTheLayers)
  func noLayerIsNamed(_ change: Change) throws {
    let report = try report(try EditableCheckpoint(change.fixture), change)
    #expect(report["first_divergent_layer"] == .null)
    #expect(report["layers"]?.array?.count ?? 0 > 0)
  }

  @Test(arguments: [
    Change("lm-engine/gdn-hybrid", "transformer.wte.weight") { $0 * 1.01 },
    Change("options/tied", "transformer.wte.weight") { $0 + 0.01 },
    Change("options/learned-absolute", "transformer.wpe.weight") { -$0 },
  ])
  func anAlteredEmbeddingShowsInLayer0(_ change: Change) throws {
    let report = try report(try EditableCheckpoint(change.fixture), change)
    #expect(report["first_divergent_layer"] == 0)
  }

  @Test(arguments: [Float.nan, .infinity])
  func numbersThatAreNoneNeverPass(_ value: Float) throws {
    let checkpoint = try EditableCheckpoint("options/gdn-heads")
    try checkpoint.editWeights { file in
      file["transformer.h.2.mlp_block.c_proj.weight"]?.floats[0] = value
    }
    for gate in ["f32", "bf16", "1e30"] {
      let result = try checkpoint.graft(
        "verify", "--reference", checkpoint.reference, "--gate", gate, "--json")
      #expect(result.exitCode == 1 && result.errors.isEmpty, "\(result)")
      let report = try result.json()
      #expect(report["pass"] == false && report["first_divergent_layer"] == 2)
    }
    let itself = try checkpoint.graft("verify", checkpoint.path.string)
    #expect(itself.exitCode == 1, "\(itself)")
  }

  @Test func numbersThatAreNoneInTheReferenceNeverPass() throws {
    let checkpoint = try EditableCheckpoint("options/gdn-heads")
    try checkpoint.editWeights("reference.safetensors") { $0["logits"]?.floats[7] = .nan }
    let result = try checkpoint.graft("verify", "--reference", checkpoint.reference, "--json")
    #expect(result.exitCode == 1, "\(result)")
    #expect(try result.json()["pass"] == false)
  }

  private func report(_ checkpoint: EditableCheckpoint, _ change: Change) throws -> JSONValue {
    try checkpoint.editWeights { file in
      let tensor = try #require(file[change.tensor])
      file[change.tensor]?.floats = tensor.floats.map(change.change)
    }
    let result = try checkpoint.graft("verify", "--reference", checkpoint.reference, "--json")
    #expect(result.exitCode == 1 && result.errors.isEmpty, "\(result)")
    let report = try result.json()
    #expect(report["pass"] == false)
    return report
  }
}
