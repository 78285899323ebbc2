import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// The values of spliced layers in files: zero, seeded and donated.
@Suite struct SpliceValueTests {
  private let folder: TemporaryDirectory
  private let source = Fixtures.path("lm-engine/gdn-hybrid")

  init() throws { folder = try TemporaryDirectory() }

  private func splice(_ name: String, _ options: String..., from: FilePath? = nil) throws
    -> FilePath
  {
    let out = folder.path.appending(name)
    let result = try GraftCommand.run(
      ["splice", (from ?? source).string, out.string] + options)
    expectSuccess(result)
    return out
  }

  private func refuse(
    _ exitCode: Int32, _ mentions: [String], _ options: String...,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let out = folder.path.appending("refused").string
    let result = try GraftCommand.run(["splice", source.string, out] + options)
    expectRefusal(result, exitCode, mentions, sourceLocation: sourceLocation)
    #expect(!EditableCheckpoint.names(in: folder.path).contains("refused"))
  }

  private func hidden(_ path: FilePath) throws -> PlainCheckpointFile {
    let tokens = try folder.write("t.json", "[[3, 1, 4, 1, 5, 9, 2, 6]]".utf8)
    let out = folder.path.appending("hidden-\(path.lastComponent?.string ?? "").safetensors")
    let result = try GraftCommand.run(
      "logits", path.string, "--tokens", tokens.string, "--hidden", "--output", out.string)
    expectSuccess(result)
    return try PlainCheckpointFile(out)
  }

  /// A layer whose MLP is silenced too must hand on its input bit by bit.
  @Test func zeroContributesExactlyNothing() throws {
    let checkpoint = try EditableCheckpoint("lm-engine/gdn-hybrid")
    try checkpoint.editWeights { file in
      let name = "transformer.h.1.mlp_block.c_proj.weight"
      let count = file[name]?.floats.count ?? 0
      file[name]?.floats = Array(repeating: 0, count: count)
    }
    let spliced = try splice("zero", "--layer", "1", "--init", "zero", from: checkpoint.path)
    let file = try hidden(spliced)
    #expect(file["hidden.1"]?.floats == file["hidden.2"]?.floats)
    #expect(file["hidden.0"]?.floats != file["hidden.1"]?.floats)
    let output = "transformer.h.1.sequence_mixer.output_projection.weight"
    let values = try EditableCheckpoint.tensors(of: spliced)[output]
    #expect(values?.bytes.allSatisfy { $0 == 0 } == true)
  }

  @Test func oneSeedGivesOneFile() throws {
    func file(_ path: FilePath) throws -> [UInt8] {
      try Fixtures.contents(path.appending("model.safetensors"))
    }
    let first = try splice("a", "--layer", "0", "--seed", "11")
    let again = try splice("b", "--layer", "0", "--seed", "11", "-j", "1")
    let other = try splice("c", "--layer", "0", "--seed", "12")
    #expect(try file(first) == file(again))
    #expect(try file(first) != file(other))
    let both = try EditableCheckpoint.tensors(of: try splice("d", "--layer", "0,1", "--seed", "11"))
    for (name, tensor) in try EditableCheckpoint.tensors(of: first)
    where name.hasPrefix("transformer.h.0.") { #expect(both[name] == tensor, "\(name)") }
  }

  @Test(arguments: [("lm-engine/m2rnn-1l", "0", 0), ("lm-engine/m2rnn-hybrid", "3", 3)])
  func aDonorGivesItsBytes(_ donor: String, _ layer: String, _ from: Int) throws {
    let path = Fixtures.path(donor)
    let out = try splice(
      "donated", "--layer", "1", "--init", "donor", "--donor", path.string, "--donor-layer", layer)
    let given = try EditableCheckpoint.tensors(of: path)
    let taken = try EditableCheckpoint.tensors(of: out)
    let prefix = "transformer.h.\(from).sequence_mixer."
    for (name, tensor) in given where name.hasPrefix(prefix) {
      let new = taken["transformer.h.1.sequence_mixer." + name.dropFirst(prefix.count)]
      #expect(new?.bytes == tensor.bytes && new?.type == tensor.type, "\(name)")
    }
    let config = try JSONValue(parsing: Fixtures.contents(out.appending("config.json")))
    let old = try JSONValue(parsing: Fixtures.bytes("\(donor)/config.json"))
    let (a, b) = (config["sequence_mixer_blocks"]?.array, old["sequence_mixer_blocks"]?.array)
    #expect(a?[1]["num_v_heads"] == b?[from]["num_v_heads"])
    #expect(a?[1]["kernel_size"] == b?[from]["kernel_size"])
    expectSuccess(try GraftCommand.run("verify", out.string, out.string, "--gate", "0"))
  }

  /// What was taken out and put back again is the donor itself.
  @Test func aDonatedLayerComputesWhatItDidInTheDonor() throws {
    let donor = Fixtures.path("lm-engine/m2rnn-1l")
    let checkpoint = try EditableCheckpoint("lm-engine/m2rnn-1l")
    let first = try splice("first", "--layer", "1", "--init", "reference", from: checkpoint.path)
    #expect(try EditableCheckpoint.tensors(of: first).count > 0)
    let again = try splice(
      "again", "--layer", "3", "--init", "donor", "--donor", first.string, "--donor-layer", "1",
      from: donor)
    let (a, b) = (
      try EditableCheckpoint.tensors(of: first), try EditableCheckpoint.tensors(of: again)
    )
    for (name, tensor) in a where name.hasPrefix("transformer.h.1.sequence_mixer.") {
      let other = name.replacing("h.1.", with: "h.3.")
      #expect(b[other]?.bytes == tensor.bytes, "\(name)")
    }
  }

  @Test func donorsThatDoNotFit() throws {
    let donor = Fixtures.path("lm-engine/m2rnn-1l").string
    let small = Fixtures.path("options/m2rnn-small").string
    try refuse(64, ["--donor"], "--layer", "0", "--init", "donor")
    try refuse(66, ["nowhere"], "--layer", "0", "--init", "donor", "--donor", "nowhere")
    try refuse(69, ["hidden", "64", "32"], "--layer", "0", "--init", "donor", "--donor", small)
    for layer in ["1", "2", "4", "1000000000000"] {
      try refuse(
        69, ["layer     \(layer)", "M²RNN"], "--layer", "0", "--init", "donor", "--donor", donor,
        "--donor-layer", layer)
    }
    try refuse(69, ["M²RNN"], "--layer", "0", "--init", "donor", "--donor", source.string)
  }
}
