import Foundation
import GraftTestSupport
import Testing

/// What the tool says of itself.
@Suite struct HelpTests {
  /// The verbs that the overview lists.
  static let verbs: [String] = {
    let overview = (try? GraftCommand.run("help").output) ?? ""
    let list = overview.components(separatedBy: "SUBCOMMANDS:\n").last ?? ""
    return list.components(separatedBy: "\n\n")[0].split(separator: "\n")
      .filter { $0.hasPrefix("  ") && !$0.hasPrefix("   ") }
      .compactMap { $0.split(separator: " ").first.map(String.init) }
  }()

  /// Manual pages are made of these texts, and what makes them leaves out other characters.
  @Test(arguments: [""] + verbs)
  func helpIsASCII(_ verb: String) throws {
    let result = try GraftCommand.run(["help", verb].filter { !$0.isEmpty })
    #expect(result.exitCode == 0 && result.output.utf8.allSatisfy { $0 < 128 }, "\(result)")
  }

  @Test(arguments: verbs)
  func theExampleRuns(_ verb: String) throws {
    let help = try GraftCommand.run("help", verb).output
    let start = try #require(help.range(of: "Example: graft \(verb)"))
    let example = help[start.lowerBound...].components(separatedBy: "\n\n")[0]
    let words = example.split(whereSeparator: \.isWhitespace).dropFirst(2).map(String.init)
    let folder = try TemporaryDirectory()
    try FileManager.default.createSymbolicLink(
      atPath: folder.path.appending("fixtures").string,
      withDestinationPath: Fixtures.directory.string)
    let result = try GraftCommand.run(words, directory: folder.path)
    expectSuccess(result)
  }

  @Test func everyVerbIsListed() {
    #expect(
      Self.verbs == [
        "inspect", "convert", "repair", "compose", "splice", "verify", "diff", "logits", "score",
        "generate",
        "formats",
      ])
  }

  @Test func theVersionNamesTheCommit() throws {
    let result = try GraftCommand.run("--version")
    let pattern = #/\d+\.\d+\.\d+( \(commit [0-9a-f]{12}\))?\n/#
    #expect(try pattern.wholeMatch(in: result.output) != nil, "\(result)")
  }

  @Test(arguments: ["bash", "zsh", "fish"])
  func completionsKnowEveryVerb(_ shell: String) throws {
    let result = try GraftCommand.run("--generate-completion-script", shell)
    expectSuccess(result)
    for verb in Self.verbs { #expect(result.output.contains(verb), "\(verb)") }
  }

  @Test func misspeltNamesAreRecognised() throws {
    let model = Fixtures.path("trained/pytiny").string
    let cases: [([String], String)] = [
      (["--to", "lmengine"], "did you mean lm-engine?"),
      (["--to", "Qwen35"], "did you mean qwen3_5?"),
      (["--dtype-for", "lm_head.wieght=f32"], "did you mean lm_head.weight?"),
      (["--max-shards-size", "1GB"], "Did you mean '--max-shard-size'?"),
    ]
    for (options, question) in cases {
      let result = try GraftCommand.run(["convert", model, "/nowhere/out"] + options)
      expectRefusal(result, 64, [question])
    }
    let unlike = try GraftCommand.run("convert", model, "/nowhere/out", "--to", "llama")
    expectRefusal(unlike, 64, ["choose one"])
    #expect(!unlike.errors.contains("did you mean"))
  }

  @Test func aTensorUnderAnotherNameIsNamed() throws {
    let checkpoint = try EditableCheckpoint("options/gdn-small")
    try checkpoint.editWeights { file in
      let tensor = try #require(file["transformer.ln_f.weight"])
      file["transformer.ln_f.weight"] = nil
      file["transformer.ln_f.wieght"] = .init(
        "transformer.ln_f.wieght", tensor.type, tensor.shape, tensor.bytes)
    }
    let result = try checkpoint.graft("inspect", "--from", "lm-engine")
    expectRefusal(result, 65, ["found     transformer.ln_f.wieght, which has no place"])
  }
}
