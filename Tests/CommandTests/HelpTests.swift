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

  /// Without a verb: five commands to start with, and no list to read.
  @Test func aBareCallShowsHowToStart() throws {
    let result = try GraftCommand.run([])
    expectSuccess(result)
    let lines = result.output.split(separator: "\n")
    let commands = lines.filter { $0.hasPrefix("  graft ") }
    #expect(commands.count == 5 && lines.count < 12, "\(result)")
    for line in commands {
      let verb = line.split(separator: " ")[1]
      #expect(Self.verbs.contains(String(verb)), "\(line)")
    }
  }

  /// `make manual` makes the pages; that of the tool lists the verbs.
  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: generator)))
  func theManualListsTheVerbs() throws {
    let folder = try TemporaryDirectory()
    let root = Fixtures.directory.removingLastComponent()
    let script = Process()
    script.executableURL = URL(fileURLWithPath: "/bin/sh")
    script.arguments = [
      root.appending("scripts/manual.sh").string, GraftCommand.executable.string, Self.generator,
      folder.path.appending("share").string,
    ]
    try script.run()
    script.waitUntilExit()
    let page = try Fixtures.contents(folder.path.appending("share/man/man1/graft.1"))
    let text = String(decoding: page, as: UTF8.self)
    for verb in Self.verbs { #expect(text.contains(".It Nm graft \(verb)\n"), "\(verb)") }
  }

  private static let generator =
    GraftCommand.executable.removingLastComponent().appending("generate-manual").string

  @Test func theVersionNamesTheCommit() throws {
    let result = try GraftCommand.run("--version")
    let pattern = #/\d+\.\d+\.\d+( \(commit [0-9a-f]{12}\))?\n/#
    #expect(try pattern.wholeMatch(in: result.output) != nil, "\(result)")
    // The newest heading of the changelog is the version that is built.
    let changes = Fixtures.directory.removingLastComponent().appending("CHANGELOG.md")
    let text = String(decoding: try Fixtures.contents(changes), as: UTF8.self)
    let newest = text.components(separatedBy: "\n## ").dropFirst().first?.split(separator: " ")
      .first
    #expect(newest.map { result.output.hasPrefix($0 + " ") } == true, "\(newest ?? "")")
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
