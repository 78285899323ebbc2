import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// A layout that only a file beside the binary describes, with every verb.
@Suite struct RuntimeLayoutTests {
  private static let fixture = Fixtures.path("huggingface/qwen3_5/text-bf16")

  /// A folder with layout files.
  private func layouts(_ folder: TemporaryDirectory, _ files: [String: [UInt8]]? = nil) throws
    -> String
  {
    for (name, bytes) in files ?? ["packed.json": Array(LayoutExample.text.utf8)] {
      try folder.write(name, bytes)
    }
    return folder.path.string
  }

  private func graft(_ arguments: String...) throws -> CommandResult {
    try GraftCommand.run(arguments)
  }

  @Test func thereAndBackByteForByte() throws {
    let (files, folder) = (try TemporaryDirectory(), try TemporaryDirectory())
    let formats = try layouts(files)
    let (there, back, again) = (
      folder.path.appending("there"), folder.path.appending("back"), folder.path.appending("again")
    )
    expectSuccess(
      try convert(Self.fixture, there, "--to", "packed-tp", "--formats", formats))
    expectSuccess(try convert(there, back, "--to", "qwen3_5", "--formats", formats))
    expectSuccess(try convert(back, again, "--to", "packed-tp", "--formats", formats))
    try expectSameTensors(Self.fixture, back)
    for name in ["config.json", "model.safetensors"] {
      #expect(
        try Fixtures.contents(there.appending(name)) == Fixtures.contents(again.appending(name)))
    }
    #expect(
      try Fixtures.contents(back.appending("config.json"))
        == Fixtures.contents(Self.fixture.appending("config.json")))
    let record = try JSONValue(parsing: Fixtures.contents(there.appending("graft.json")))
    let listed = try graft("formats", "--formats", formats, "--json").json()["layouts"]?.array
    let entry = listed?.first { $0["id"] == "packed-tp" }
    #expect(record["layout_file"]?["name"] == "packed.json")
    #expect(record["layout_file"]?["sha256"] == entry?["sha256"] && entry?["sha256"] != nil)
    #expect(
      try JSONValue(parsing: Fixtures.contents(back.appending("graft.json")))["layout_file"] == nil)
  }

  @Test func everyVerbKnowsTheLayout() throws {
    let (files, folder) = (try TemporaryDirectory(), try TemporaryDirectory())
    let formats = try layouts(files)
    let there = folder.path.appending("there")
    expectSuccess(
      try graft(
        "--formats", formats, "convert", Self.fixture.string, there.string, "--to", "packed-tp"))
    expectSuccess(try graft("--formats=\(formats)", "diff", there.string, Self.fixture.string))
    let reference = there.appending("reference.safetensors").string
    expectSuccess(try graft("verify", there.string, "--reference", reference, "--formats", formats))
    expectSuccess(
      try graft("verify", there.string, Self.fixture.string, "--gate", "0", "--formats", formats))
    let environment = ["GRAFT_FORMATS": formats]
    for arguments in [
      ["inspect", there.string, "--audit"],
      [
        "logits", there.string, "--tokens", reference, "--output",
        folder.path.appending("l.safetensors").string,
      ],
      ["score", there.string, "--tokens", reference],
      ["generate", there.string, "--tokens", reference, "--count", "2"],
    ] {
      let result = try GraftCommand.run(arguments, environment: environment)
      #expect(result.exitCode == 0, "\(result)")
    }
    let spliced = folder.path.appending("spliced").string
    let splice = try GraftCommand.run(
      [
        "splice", there.string, spliced, "--layer", "1", "--heads", "3", "--k-head-dim", "6",
        "--v-head-dim", "4",
      ], environment: environment)
    #expect(splice.exitCode == 0, "\(splice)")
    let inspected = try GraftCommand.run(["inspect", spliced, "--json"], environment: environment)
    #expect(try inspected.json()["layers"]?.array?[1]["mixer"] == "m2rnn")
    // Its names are those of Megatron, whose config this is not.
    expectRefusal(try graft("inspect", there.string), 65, ["the config lacks a key"])
  }

  /// Another number of ranks is another arrangement of the same bytes.
  @Test func diffAsksHowManyRanksThereAre() throws {
    let (files, folder) = (try TemporaryDirectory(), try TemporaryDirectory())
    // An axis over the ranks would show in the shape.
    let text = LayoutExample.text(
      replacing: #""ops": [["split", 0, ["tp", "2*I/tp"]]]"#, with: #""ops": []"#)
    let formats = try layouts(files, ["a.json": text])
    expectSuccess(
      try convert(
        Self.fixture, folder.path.appending("model"), "--to", "packed-tp", "--formats", formats,
        "--no-manifest"))
    let model = folder.path.appending("model")
    let beside = try TemporaryDirectory()
    let copy = try EditableCheckpoint(copying: model, into: beside)
    try copy.editConfig { $0["tensor_parallel"] = 1 }
    let result = try graft("diff", model.string, copy.path.string, "--formats", formats)
    #expect(result.exitCode == 1 && result.output.contains("gdn.q"), "\(result)")
  }

  @Test func aFolderThatCannotBeUsedStopsEveryVerb() throws {
    let out = try TemporaryDirectory()
    let target = out.path.appending("out")
    let example = Array(LayoutExample.text.utf8)
    let cases: [([String: [UInt8]], Int32, [String])] = [
      (["a.json": example, "b.json": example], 65, ["b.json", "packed-tp", "a.json"]),
      (["a.json": LayoutExample.text(replacing: "packed-tp", with: "qwen3_5")], 65, ["built in"]),
      (["a.json": Array("no".utf8)], 65, ["a.json"]),
      (
        ["a.json": LayoutExample.text(replacing: "\"is\": \"final_norm\"", with: "\"iz\": 1")], 65,
        ["tensors["]
      ),
      (["a.txt": example], 65, ["*.json"]),
    ]
    for (files, code, mentions) in cases {
      let folder = try TemporaryDirectory()
      let result = try convert(
        Self.fixture, target, "--to", "packed-tp", "--formats", try layouts(folder, files))
      expectRefusal(result, code, mentions)
      #expect(EditableCheckpoint.names(in: out.path).isEmpty)
    }
    expectRefusal(
      try graft("inspect", Self.fixture.string, "--formats", "/nowhere"), 66, ["/nowhere"])
    expectRefusal(
      try graft("diff", Self.fixture.string, Self.fixture.string, "--formats", "/nowhere"), 66)
  }

  @Test func aModelThatDoesNotDivideIsRefused() throws {
    let (files, folder) = (try TemporaryDirectory(), try TemporaryDirectory())
    let text = LayoutExample.text(replacing: "\"absent\": 2", with: "\"absent\": 3")
    let formats = try layouts(files, ["a.json": text])
    let out = folder.path.appending("out")
    let result = try convert(Self.fixture, out, "--to", "packed-tp", "--formats", formats)
    expectRefusal(result, 65, ["remainder", "a.json", "tensors[2]", "nk*dk/tp", "32 / 3"])
    #expect(EditableCheckpoint.names(in: folder.path).isEmpty)
  }

  @Test func filesAreCheckedAndShown() throws {
    let folder = try TemporaryDirectory()
    let file = try folder.write("my.json", LayoutExample.text.utf8).string
    let check = try graft("formats", "--check", file, "--json")
    expectSuccess(check)
    #expect(try check.json()["id"] == "packed-tp" && check.json()["sha256"]?.string?.count == 64)
    expectSuccess(try graft("formats", "--check", file, "--formats", folder.path.string))
    let wrong = try folder.write(
      "wrong.json", LayoutExample.text(replacing: "\"nk*dk/tp\"", with: "\"nk*dk\"")
    ).string
    expectRefusal(
      try graft("formats", "--check", wrong), 65, ["wrong.json", "tensors[2]", "expected", "found"])
    expectRefusal(try graft("formats", "--check", folder.path.appending("none").string), 66)
    let shown = try graft("formats", "--show", "fla").output
    let root = Fixtures.directory.removingLastComponent()
    #expect(try Array(shown.utf8) == Array(Fixtures.contents(root.appending("formats/fla.json"))))
    #expect(try graft("formats", "--show", "qwen3_5", "--whole").output.contains("instead_of"))
    expectRefusal(try graft("formats", "--show", "flah"), 64, ["did you mean fla?"])
  }
}
