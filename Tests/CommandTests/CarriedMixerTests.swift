import GraftTestSupport
import JSON
import Testing

/// Mixers that Graft does not compute are inspected and carried through unchanged by name.
@Suite struct CarriedMixerTests {
  private static let prefix = "transformer.h.1.sequence_mixer."

  /// A hybrid whose layer 1 is of another kind, with tensors of its own.
  private func checkpoint(_ kind: String) throws -> EditableCheckpoint {
    let checkpoint = try EditableCheckpoint("options/gdn-heads")
    try checkpoint.editConfig { config in
      var blocks = config["sequence_mixer_blocks"]?.array ?? []
      blocks[1] = ["sequence_mixer_type": .string(kind), "state_size": 5, "add_bias": false]
      config["sequence_mixer_blocks"] = .array(blocks)
    }
    try checkpoint.editWeights { file in
      file.tensors.removeAll { $0.name.hasPrefix(Self.prefix) }
      file.tensors += [
        .init(Self.prefix + "in_proj.weight", [3, 2], [1, 2, 3, 4, 5, 6]),
        .init(Self.prefix + "conv1d.bias", "BF16", [3], [1, 2, 3, 4, 5, 6]),
        .init(Self.prefix + "packed", "U8", [5], [9, 8, 7, 6, 5]),
      ]
    }
    return checkpoint
  }

  @Test(arguments: ["mamba2", "gru", "rnn", "linear_attention"])
  func isInspectedAndCarried(_ kind: String) throws {
    let checkpoint = try checkpoint(kind)
    let inspected = try checkpoint.graft("inspect", "--json")
    expectSuccess(inspected)
    let layers = try #require(try inspected.json()["layers"]?.array)
    #expect(layers.map { $0["mixer"] } == ["gdn", .string(kind), "gdn"])
    #expect(layers[1]["mixer_cost"] == nil && layers[0]["mixer_cost"] != nil)
    expectSuccess(try checkpoint.graft("inspect", "-v"))
    let out = checkpoint.beside("out")
    expectSuccess(try checkpoint.graft("convert", out.string, "--max-shard-size", "9KB"))
    let before = try EditableCheckpoint.tensors(of: checkpoint.path)
    #expect(try EditableCheckpoint.tensors(of: out) == before)
    #expect(
      try Fixtures.contents(out.appending("config.json")) == checkpoint.bytes("config.json"))
  }

  /// lm-engine saves the limits of a step of mamba2 as Python writes them.
  @Test func limitsThatAreNotFinite() throws {
    let checkpoint = try checkpoint("mamba2")
    try checkpoint.replace(
      #""state_size": 5"#, #""state_size": 5, "time_step_limit": [0.0, Infinity]"#)
    expectSuccess(try checkpoint.graft("inspect"))
    let out = checkpoint.beside("out")
    expectSuccess(try checkpoint.graft("convert", out.string, "--max-shard-size", "9KB"))
    #expect(
      try Fixtures.contents(out.appending("config.json")) == checkpoint.bytes("config.json"))
  }

  @Test(arguments: ["mamba2", "gru", "rnn", "linear_attention"])
  func cannotBeRun(_ kind: String) throws {
    let checkpoint = try checkpoint(kind)
    let tokens = try checkpoint.folder.write("t.txt", "1 2 3".utf8).string
    let out = checkpoint.beside("out.safetensors").string
    for arguments in [
      ["verify", checkpoint.path.string, "--reference", checkpoint.reference],
      ["verify", checkpoint.path.string, checkpoint.path.string],
      ["score", checkpoint.path.string, "--tokens", tokens],
      ["generate", checkpoint.path.string, "--tokens", tokens],
      ["logits", checkpoint.path.string, "--tokens", tokens, "--output", out],
    ] {
      expectRefusal(
        try GraftCommand.run(arguments), 69, ["layer     1", kind, checkpoint.path.string])
    }
    #expect(checkpoint.neighbours == ["model", "t.txt"])
  }

  @Test func keepsItsTypesWhenOthersAreCast() throws {
    let checkpoint = try checkpoint("mamba2")
    let out = checkpoint.beside("out")
    expectSuccess(
      try checkpoint.graft("convert", out.string, "--dtype", "bf16", "--allow", "lossy"))
    let before = try EditableCheckpoint.tensors(of: checkpoint.path)
    let after = try EditableCheckpoint.tensors(of: out)
    for (name, tensor) in before where name.hasPrefix(Self.prefix) {
      #expect(after[name] == tensor, "\(name)")
    }
    #expect(after["transformer.wte.weight"]?.type == "BF16")
  }

  @Test func cannotBeSplicedButTheLayersBesideItCan() throws {
    let checkpoint = try checkpoint("mamba2")
    let out = checkpoint.beside("out")
    expectRefusal(
      try checkpoint.graft("splice", out.string, "--layer", "1"), 64,
      ["layer     1", "mamba2", "0, 2"])
    expectSuccess(try checkpoint.graft("splice", out.string, "--layer", "2"))
    let before = try EditableCheckpoint.tensors(of: checkpoint.path)
    let after = try EditableCheckpoint.tensors(of: out)
    for (name, tensor) in before where name.hasPrefix(Self.prefix) {
      #expect(after[name] == tensor, "\(name)")
    }
  }
}
