import Foundation
import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// Conversion within one layout through the command line: shards, places, and what travels along.
@Suite struct ConvertCommandTests {
  @Test(arguments: [
    ("huggingface/qwen3_5/text-bf16", "mlx", "mlx-qwen3_5"),
    ("huggingface/qwen3_5/text-bf16", "GGUF", "gguf-qwen35"),
    ("huggingface/qwen3_next/bf16", "gguf", "gguf-qwen3next"),
    ("huggingface/olmo_hybrid/bf16", "mlx", "mlx-olmo_hybrid"),
    ("huggingface/bailing_hybrid/bf16", "gguf", "gguf-bailingmoe3"),
  ])
  func aLibraryStandsForItsLayout(_ model: String, _ word: String, _ id: String) throws {
    let result = try GraftCommand.run(
      "convert", Fixtures.path(model).string, "--explain", "--to", word, "--json")
    #expect(
      try result.json()["to"]?.array?.compactMap { $0["layout"]?.string } == [id], "\(result)")
  }

  @Test(arguments: [
    "options/everything", "options/bf16-sharded", "options/f16", "options/moe-bias",
    "options/multipliers-tied", "options/gdn-no-gate", "lm-engine/m2rnn-1l-moe",
  ])
  func manyShardsAndBackIsByteIdentical(_ name: String) throws {
    let source = Fixtures.path(name)
    let folder = try TemporaryDirectory()
    let (many, one) = (folder.path.appending("many"), folder.path.appending("one"))
    expectSuccess(try convert(source, many, "--max-shard-size", "20KB"))
    let files = EditableCheckpoint.names(in: many).filter { $0.hasPrefix("model-") }
    #expect(files.count > 4 && files.contains("model-00001-of-\(five(files.count)).safetensors"))
    try expectSameTensors(source, many)
    let index = try JSONValue(
      parsing: Fixtures.contents(many.appending("model.safetensors.index.json")))
    let tensors = try EditableCheckpoint.tensors(of: many)
    #expect(index["weight_map"]?.object?.keys.sorted() == tensors.keys.sorted())
    #expect(
      index["metadata"]?["total_size"]?.int == tensors.values.reduce(0) { $0 + $1.bytes.count })
    expectSuccess(try convert(many, one))
    #expect(!EditableCheckpoint.names(in: one).contains("model.safetensors.index.json"))
    try expectSameTensors(source, one)
    for file in [many, one] {
      #expect(
        try Fixtures.contents(file.appending("config.json"))
          == Fixtures.bytes("\(name)/config.json"))
    }
    let itself = try GraftCommand.run("verify", many.string, one.string, "--gate", "0")
    expectSuccess(itself)
  }

  private func five(_ number: Int) -> String {
    String(repeating: "0", count: 5 - "\(number)".count) + "\(number)"
  }

  @Test func aFileOfTheReferenceWriterComesOutAsItWas() throws {
    for name in ["options/tied", "options/bf16-all", "options/f16", "lm-engine/gdn-hybrid"] {
      let folder = try TemporaryDirectory()
      expectSuccess(try convert(Fixtures.path(name), folder.path.appending("out")))
      #expect(
        try Fixtures.contents(folder.path.appending("out/model.safetensors"))
          == Fixtures.bytes("\(name)/model.safetensors"), "\(name)")
    }
  }

  @Test func dryRunWritesNothing() throws {
    let checkpoint = try EditableCheckpoint("options/gdn-small")
    let out = checkpoint.beside("out")
    let result = try convert(
      checkpoint.path, out, "--dry-run", "--json", "--max-shard-size", "30KB")
    expectSuccess(result)
    let plan = try result.json()
    #expect(plan["schema"] == "graft.convert/1" && plan["written"] == false)
    #expect(plan["shards"]?.array?.count ?? 0 > 2)
    #expect(checkpoint.neighbours == ["model"])
    expectSuccess(try convert(checkpoint.path, out, "--max-shard-size", "30KB"))
    let planned = plan["shards"]?.array?.compactMap { $0["file"]?.string } ?? []
    #expect(planned.sorted() == EditableCheckpoint.names(in: out).filter { $0.hasPrefix("model-") })
  }

  @Test func anExistingOutputStaysUnlessOverwritten() throws {
    let checkpoint = try EditableCheckpoint("options/gdn-small")
    let out = try checkpoint.folder.write("out", [1, 2, 3])
    expectRefusal(try convert(checkpoint.path, out), 73, ["exists already", out.string])
    expectRefusal(try convert(checkpoint.path, out, "--overwrite"), 73, [out.string])
    #expect(try Fixtures.contents(out) == [1, 2, 3])
    let directory = checkpoint.beside("old")
    try FileManager.default.createDirectory(
      atPath: directory.string, withIntermediateDirectories: false)
    try Data([9]).write(to: URL(fileURLWithPath: directory.appending("stale.safetensors").string))
    expectRefusal(try convert(checkpoint.path, directory), 73, ["--overwrite"])
    #expect(EditableCheckpoint.names(in: directory) == ["stale.safetensors"])
    expectRefusal(
      try convert(checkpoint.path, directory, "--overwrite"), 73, ["stale.safetensors"])
    #expect(EditableCheckpoint.names(in: directory) == ["stale.safetensors"])
    #expect(checkpoint.neighbours == ["model", "old", "out"])
  }

  @Test func theSourceIsNoOutput() throws {
    let checkpoint = try EditableCheckpoint("options/gdn-small")
    expectRefusal(try convert(checkpoint.path, checkpoint.path), 73, ["exists already"])
    let before = EditableCheckpoint.names(in: checkpoint.path)
    for path in [checkpoint.path, checkpoint.path.appending("../model")] {
      expectRefusal(try convert(checkpoint.path, path, "--overwrite"), 73, ["an input"])
    }
    try expectSameTensors(Fixtures.path("options/gdn-small"), checkpoint.path)
    #expect(EditableCheckpoint.names(in: checkpoint.path) == before)
    #expect(checkpoint.neighbours == ["model"])
  }

  @Test func overwritingLosesNoDirectory() throws {
    let checkpoint = try EditableCheckpoint("options/gdn-small")
    try FileManager.default.createDirectory(
      atPath: checkpoint.path.appending("assets").string, withIntermediateDirectories: false)
    try checkpoint.write("assets/note.txt", "kept".utf8)
    expectRefusal(
      try convert(Fixtures.path("options/gdn-small"), checkpoint.path, "--overwrite"), 73,
      ["assets (a directory)"])
    #expect(try checkpoint.bytes("assets/note.txt") == Array("kept".utf8))
    #expect(checkpoint.neighbours == ["model"])
  }

  /// A layout cannot do without a convolution that the model lacks.
  @Test func whatIsMissingIsNamed() throws {
    let scratch = try TemporaryDirectory()
    let out = scratch.path.appending("out")
    let result = try convert(Fixtures.path("fla/bare"), out, "--to", "lm-engine")
    expectRefusal(result, 69, ["lm-engine needs a convolution", "gdn.taps 0"])
  }

  @Test func anOutputWithoutAParentIsRefused() throws {
    let checkpoint = try EditableCheckpoint("options/gdn-small")
    let out = checkpoint.beside("no/where")
    expectRefusal(try convert(checkpoint.path, out), 73, [out.removingLastComponent().string])
    expectRefusal(try convert(checkpoint.path, "/"), 73)
    #expect(checkpoint.neighbours == ["model"])
  }

  @Test func usageOfConvert() throws {
    let checkpoint = try EditableCheckpoint("options/gdn-small")
    let out = checkpoint.beside("out")
    expectRefusal(
      try convert(checkpoint.path, out, "--to", "nonsense"), 64, ["lm-engine", "nonsense"])
    expectRefusal(try convert(checkpoint.path, out, "--from", "nonsense"), 64, ["nonsense"])
    for options in [
      ["--max-shard-size", "0"], ["--max-shard-size", "12XB"], ["--max-shard-size=-1GB"],
      ["--dtype", "f8"], ["--dtype-for", "x"], ["--dtype-for", "*=f8"], ["--allow", "everything"],
      ["-j", "-3"], ["-j", "9999"],
    ] {
      let arguments = ["convert", checkpoint.path.string, out.string] + options
      expectRefusal(try GraftCommand.run(arguments), 64)
    }
    #expect(checkpoint.neighbours == ["model"])
  }
}
