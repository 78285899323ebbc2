import GraftTestSupport
import JSON
import Testing

/// What `inspect` says can be done with a model: each command must do what is said of it.
@Suite struct ModelUsesTests {
  @Test(arguments: ["huggingface/qwen3_5/multimodal-mixed", "huggingface/qwen3_next/bf16"])
  func everyCommandIsTrue(_ fixture: String) throws {
    let path = Fixtures.path(fixture).string
    let folder = try TemporaryDirectory()
    let out = folder.path.appending("out").string
    let report = try GraftCommand.run("inspect", path, "--json", "-v").json()
    let targets = try #require(report["uses"]?["becomes"]?.array)
    #expect(targets.count > 3)
    let explained = try GraftCommand.run("convert", path, "--explain", "--json").json()["to"]
    let exact = explained?.array?.filter { $0["exact"] == true }.compactMap { $0["layout"]?.string }
    let said = targets.filter { $0["without"]?.array?.isEmpty == true }
    #expect(
      said.compactMap { $0["layout"]?.string } == exact?.filter { $0 != report["layout"]?.string })
    for target in targets {
      let command = try #require(target["command"]?.string).split(separator: " ").dropFirst()
      let arguments = command.map { $0 == "DIR" ? path : $0 == "OUT" ? out : "\($0)" }
      let dry = try GraftCommand.run(arguments + ["--dry-run"])
      expectSuccess(dry)
      for part in target["without"]?.array?.compactMap(\.string) ?? [] {
        let words = part == "vision tower" ? "of the \(part)" : "of \(part)"
        #expect(dry.output.contains(words), "\(words)")
      }
    }
  }

  @Test func programsAreNamedForWhatTheyLoad() throws {
    func programs(_ fixture: String) throws -> [String] {
      let report = try GraftCommand.run("inspect", Fixtures.path(fixture).string, "--json").json()
      return report["uses"]?["loads_in"]?.array?.compactMap { $0["call"]?.string } ?? []
    }
    #expect(
      try programs("huggingface/qwen3_5/text-bf16")
        == ["AutoModelForCausalLM.from_pretrained(\"DIR\")"])
    #expect(
      try programs("huggingface/qwen3_5/multimodal-mixed")
        == ["AutoModelForImageTextToText.from_pretrained(\"DIR\")"])
    // Packed, read only, and spliced: nothing is claimed.
    for other in [
      "huggingface/qwen3_5/fp8-multimodal", "huggingface/kimi_linear/resave-f32",
      "gguf/qwen35-q8_0.gguf",
    ] {
      #expect(try programs(other).isEmpty, "\(other)")
    }
    let plain = try GraftCommand.run("inspect", Fixtures.path("fla/hybrid").string)
    #expect(plain.output.contains("loads in") && !plain.output.contains("becomes"))
  }
}
