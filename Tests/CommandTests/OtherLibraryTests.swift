import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// What other libraries make of an output is said where it is written.
@Suite struct OtherLibraryTests {
  private let scratch: TemporaryDirectory

  init() throws { scratch = try TemporaryDirectory() }

  private func convert(_ source: String, _ name: String, _ options: String...) throws -> JSONValue {
    let result = try GraftCommand.run(
      ["convert", source, scratch.path.appending(name).string, "--json"] + options)
    expectSuccess(result)
    return try result.json()
  }

  private func notes(_ report: JSONValue) -> [String] {
    report["notes"]?.array?.compactMap(\.string) ?? []
  }

  /// Norms in F32 make mlx-lm compute in float32; the flags that the note names write what mlx-lm itself
  /// writes, and the way back is exact all the same.
  @Test func normsThatWidenAreSaid() throws {
    let source = Fixtures.path("huggingface/qwen3_next/bf16").string
    let exact = notes(try convert(source, "exact", "--to", "mlx-qwen3_next"))
    #expect(exact.count == 1 && exact[0].contains("of the norms are stored as F32"))
    let flags = exact[0].split(separator: "'").filter { $0.hasSuffix("=bf16") }.map(String.init)
    #expect(flags.count == 3)
    let options = flags.flatMap { ["--dtype-for", $0] } + ["--allow", "lossy"]
    let there = scratch.path.appending("rounded")
    let result = try GraftCommand.run(
      ["convert", source, there.string, "--to", "mlx-qwen3_next"] + options)
    expectSuccess(result)
    #expect(!result.output.contains("note:"))
    let changes = result.output.split(separator: "\n").filter { $0.contains("values changed in") }
    #expect(changes.count == 1 && changes[0].contains("tensors"), "\(changes)")
    let types = try EditableCheckpoint.tensors(of: there).values.filter {
      $0.name.contains("norm.weight")
    }.map(\.type)
    #expect(Set(types) == ["BF16"])
    _ = try convert(there.string, "back", "--to", "qwen3_next")
    let before = try EditableCheckpoint.tensors(of: Fixtures.path("huggingface/qwen3_next/bf16"))
    #expect(try EditableCheckpoint.tensors(of: scratch.path.appending("back")) == before)
  }

  @Test func whatNeedsNoWordIsNotSaid() throws {
    let source = Fixtures.path("huggingface/olmo_hybrid/bf16").string
    #expect(notes(try convert(source, "there", "--to", "mlx-olmo_hybrid")).isEmpty)
    #expect(notes(try convert(source, "same")).isEmpty)
  }

  /// No release of mlx-lm or fla has M²RNN layers.
  @Test(arguments: ["mlx-qwen3_5", "qwen3_5"])
  func whoReadsM2RNNIsSaid(_ layout: String) throws {
    let spliced = scratch.path.appending("spliced").string
    let source = Fixtures.path("huggingface/qwen3_5/text-bf16").string
    let result = try GraftCommand.run("splice", source, spliced, "--layer", "0", "--json")
    expectSuccess(result)
    #expect(notes(try result.json()).isEmpty)
    let said = notes(try convert(spliced, "there", "--to", layout)).filter { $0.contains("M²RNN") }
    #expect(said.count == (layout == "qwen3_5" ? 0 : 1))
  }

  /// Rotated dims with which mlx-lm and llama.cpp stop, with their numbers.
  @Test(arguments: ["mlx-qwen3_next", "gguf-qwen3next"], [(0.1, 3), (0.01, 0)])
  func dimsThatAreNoPairsAreRefused(_ layout: String, rotated: (share: Double, dims: Int)) throws {
    let source = try EditableCheckpoint("huggingface/qwen3_next/bf16")
    try source.editConfig { $0["partial_rotary_factor"] = JSONValue(rotated.share) }
    let result = try source.graft("convert", source.beside("out").string, "--to", layout)
    expectRefusal(
      result, 69,
      ["rotates an even number of dims", "rope.dim \(rotated.dims), attention.head_dim 32"])
  }

  /// Sections of another head are written as smaller ones that mean the same; those that leave pairs to
  /// no position of text are refused with their numbers.
  @Test func sectionsThatFitNoHead() throws {
    let source = try EditableCheckpoint("huggingface/qwen3_5/text-bf16")
    func sections(_ list: [JSONValue]) throws -> String {
      try source.editConfig { config in
        config["rope_parameters"]?["mrope_section"] = .array(list)
        config["rope_parameters"]?["partial_rotary_factor"] = 0.25
      }
      return source.beside("out\(list.count)\(list[1].int ?? 0)").string
    }
    for list in [[99, 99, 99], [1, 1, 1]] as [[JSONValue]] {
      let out = try sections(list)
      expectSuccess(try source.graft("convert", out, "--to", "gguf-qwen35", "--mtp", "drop"))
      let report = try GraftCommand.run("verify", out, source.path.string)
      #expect(report.exitCode == 0, "\(report)")
    }
    let out = try sections([99, 0, 99])
    let refused = try source.graft("convert", out, "--to", "gguf-qwen35", "--mtp", "drop")
    expectRefusal(refused, 69, ["rope.sections 99,0,99, rope.dim", "set mrope_section"])
  }
}
