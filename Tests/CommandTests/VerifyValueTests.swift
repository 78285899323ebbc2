import GraftTestSupport
import JSON
import Testing

/// Changes far below what logits show are found, and named with the layer that holds them.
@Suite struct VerifyValueTests {
  private static let trained = "trained/qwen3_5-python"

  /// A change of one tensor: its name, the layer that must be named, what is done.
  struct Change: CustomTestStringConvertible, Sendable {
    let tensor: String
    let layer: Int
    let role: String
    let change: @Sendable (inout [Float]) -> Void
    var testDescription: String { tensor }

    init(
      _ tensor: String, _ layer: Int, _ role: String,
      _ change: @escaping @Sendable (inout [Float]) -> Void
    ) {
      self.tensor = "model.layers.\(layer).\(tensor)"
      (self.layer, self.role, self.change) = (layer, role, change)
    }
  }

  static let small: [Change] = [
    Change("linear_attn.in_proj_a.weight", 1, "gdn.a") { $0[7] *= 1.0001 },
    Change("linear_attn.conv1d.weight", 0, "gdn.conv.q") { $0[13] *= 1.0001 },
    Change("linear_attn.dt_bias", 1, "gdn.dt_bias") { $0[0] += 0.001 },
    Change("linear_attn.A_log", 0, "gdn.A_log") { $0[0] += 0.00001 },
    Change("linear_attn.out_proj.weight", 1, "gdn.o") { $0[5] *= 1.0001 },
    Change("input_layernorm.weight", 1, "mixer_norm") { $0[3] += 0.0001 },
    Change("mlp.down_proj.weight", 0, "mlp.down") { $0[100] *= 1.0001 },
  ]

  @Test(arguments: small)
  func oneElementIsNamed(_ change: Change) throws {
    for tokens in [[], ["1 2 3"]] {
      let (result, report) = try compare(change, "f32", tokens)
      #expect(result.exitCode == 1 && report["first_divergent_layer"]?.int == change.layer)
      #expect(changed(report, change.layer) == [change.role], "\(result)")
    }
  }

  static let coarse: [Change] = [
    Change("mlp.up_proj.weight", 1, "mlp.up") { values in
      let step = (values.map(\.magnitude).max() ?? 0) / 127
      values = values.map { ($0 / step).rounded() * step }
    },
    Change("linear_attn.conv1d.weight", 0, "gdn.conv.k") { values in
      values = values.map { $0 * 1.03 }
    },
    Change("linear_attn.A_log", 1, "gdn.A_log") { values in values = values.map { $0 + 0.05 } },
  ]

  @Test(arguments: coarse)
  func whatIsNoRoundingToBF16IsNamed(_ change: Change) throws {
    let (result, report) = try compare(change, "bf16", [])
    #expect(result.exitCode == 1 && report["first_divergent_layer"]?.int == change.layer)
    #expect(changed(report, change.layer).contains(change.role), "\(result)")
  }

  /// Models that magnify rounding are the same as their copies in BF16, however far their logits go; what
  /// is off by more than rounding leaves, in one element or in all, is not.
  @Test(
    arguments: ["fla/tied", "lm-engine/m2rnn-hybrid", "huggingface/qwen3_5_moe/text-f32"],
    [nil, "one", "all"])
  func copiesInBF16AreTheSame(_ fixture: String, change: String?) throws {
    let checkpoint = try EditableCheckpoint(fixture)
    let copy = try checkpoint.folder.convert(
      checkpoint.path, "copy", "--dtype", "bf16", "--allow", "lossy")
    if let change {
      try checkpoint.editWeights { file in
        for index in file.tensors.indices where file.tensors[index].type == "F32" {
          let values = file.tensors[index].floats
          if change == "all" {
            file.tensors[index].floats = values.map { $0 * 1.003 }
          } else if file.tensors[index].name.hasSuffix("norm.weight") {
            file.tensors[index].floats = [values[0] * 1.01 + 0.01] + values.dropFirst()
          }
        }
      }
    }
    let result = try GraftCommand.run(
      "verify", copy.string, checkpoint.path.string, "--gate", "bf16", "--json")
    #expect(result.exitCode == (change == nil ? 0 : 1), "\(result)")
    #expect(try result.json()["rounding"]?.bool == (change == nil))
  }

  /// Norms of multi-token prediction lose at most one rounding where one is added and taken off again.
  @Test func normsOfPredictionComeBack() throws {
    let checkpoint = try EditableCheckpoint("huggingface/qwen3_5/multimodal-mixed")
    try checkpoint.editWeights { file in
      for (index, norm) in file.tensors.enumerated()
      where norm.name.hasPrefix("mtp.") && norm.name.contains("norm") {
        let values = norm.floats.indices.map { 0.1234567 / Float($0 + 1) }
        file.tensors[index] = .init(norm.name, norm.shape, values)
      }
    }
    let there = try checkpoint.folder.convert(
      checkpoint.path, "there", "--to", "gguf-qwen35", "--allow", "vision")
    let back = try checkpoint.folder.convert(there, "back", "--to", "qwen3_5")
    expectSuccess(try GraftCommand.run("verify", back.string, checkpoint.path.string))
  }

  @Test func theVerdictComesFirst() throws {
    let path = Fixtures.path("trained/pytiny").string
    let folder = try TemporaryDirectory()
    let wide = try folder.convert(Fixtures.path("trained/pytiny"), "wide", "--dtype", "f32")
    let lines = try GraftCommand.run("verify", wide.string, path).output.split(separator: "\n")
    #expect(lines.first?.hasPrefix("same: ") == true)
    let last = lines.last ?? ""
    #expect(last.hasPrefix("  stored otherwise: ") && last.contains(" of another dtype"), "\(last)")
    let itself = try GraftCommand.run("verify", path, path)
    #expect(itself.output.hasSuffix("  stored alike\n"), "\(itself)")
  }

  private func changed(_ report: JSONValue, _ layer: Int) -> [String] {
    (report["layers"]?.array?[layer]["changed"]?.array ?? []).compactMap(\.string)
  }

  private func compare(_ change: Change, _ gate: String, _ tokens: [String]) throws -> (
    CommandResult, JSONValue
  ) {
    let checkpoint = try EditableCheckpoint(Self.trained)
    try checkpoint.editWeights { file in
      var values = try #require(file[change.tensor]).floats
      change.change(&values)
      file[change.tensor]?.floats = values
    }
    let options = try tokens.flatMap {
      ["--tokens", try checkpoint.folder.write("t.txt", $0.utf8).string]
    }
    let result = try GraftCommand.run(
      ["verify", checkpoint.path.string, Fixtures.path(Self.trained).string, "--json"]
        + ["--gate", gate] + options)
    return (result, try result.json())
  }
}
