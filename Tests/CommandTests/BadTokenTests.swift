import Foundation
import GraftTestSupport
import SystemPackage
import Testing

/// Token files that are refused, and those of every form that are read.
@Suite struct BadTokenTests {
  private let folder: TemporaryDirectory
  private let model = Fixtures.path("options/gdn-small").string

  init() throws { folder = try TemporaryDirectory() }

  private func score(_ tokens: FilePath, _ options: String...) throws -> CommandResult {
    try GraftCommand.run(["score", model, "--tokens", tokens.string] + options, seconds: 10)
  }

  private func refuse(
    _ name: String, _ text: String, _ mentions: String...,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let file = try folder.write(name, text.utf8)
    expectRefusal(try score(file), 65, [file.string] + mentions, sourceLocation: sourceLocation)
    let output = folder.path.appending("out.safetensors").string
    let result = try GraftCommand.run(
      ["logits", model, "--tokens", file.string, "--output", output], seconds: 10)
    #expect(result.exitCode != nil && !result.wasKilled, sourceLocation: sourceLocation)
  }

  @Test(arguments: [
    ("[1, 2, 96]", "0 to 95"), ("[1, -1, 2]", "-1"), ("[1, 9223372036854775807]", "0 to 95"),
    ("[1, -9223372036854775808]", "0 to 95"), ("[1, 9223372036854775808]", "integer"),
    ("[1, 18446744073709551616]", ""), ("[1, 2.0]", "2.0"), ("[1, 1e1]", "1e1"),
    ("[1, \"2\"]", "\"2\""), ("[1, null]", "null"), ("[1, [2]]", "[2]"), ("[[1], 2]", "2"),
    ("[[[1, 2]]]", ""), ("[[1, [2]]]", ""), ("[]", "empty"), ("[[]]", "empty"),
    ("[[1, 2], []]", "row 1"), ("5", "list"), ("\"abc\"", "list"), ("null", "list"), ("", ""),
    ("[1, 2", ""), ("[1, 2] 3", ""), ("{}x", ""), (#"{"input_ids": 5}"#, "list"),
    (#"{"input_ids": {"a": 1}}"#, "list"), (#"{"input_ids": [1], "input_ids": [2]}"#, "twice"),
    (#"{"input_ids": [1, 2, 3], "labels": [1]}"#, "labels"),
    (#"{"input_ids": [1, 2, 3], "labels": []}"#, "labels"),
    (#"{"input_ids": [[1, 2], [3, 4]], "labels": [[1, 2]]}"#, "labels"),
    (#"{"input_ids": [[1, 2]], "labels": [[1, 2], [1, 2]]}"#, "labels"),
    (#"{"input_ids": [[1, 2], [3]], "labels": [[1], [2, 3]]}"#, "labels"),
    (#"{"input_ids": [1, 2], "labels": [1, 2.5]}"#, "2.5"),
  ])
  func jsonFiles(_ text: String, _ mention: String) throws {
    try refuse("tokens.json", text, mention)
  }

  @Test func anObjectWithoutIds() throws {
    let file = try folder.write("tokens.json", #"{"ids": [1, 2]}"#.utf8)
    let result = try score(file)
    #expect([65, 66].contains(result.exitCode), "\(result)")
    #expect(result.errors.contains("input_ids") && result.errors.contains(file.string))
  }

  @Test(arguments: [
    "one two", "1 2 x", "1,2", "1.0 2", "0x10 3", "", " \n", "1 -1", "96 1", "+", "1 2 \u{0}",
    "99999999999999999999 1", "\u{ff}\u{fe}", "1\u{a0}2",
  ])
  func textFiles(_ text: String) throws { try refuse("tokens.txt", text) }

  @Test func tensorsOfAnotherKind() throws {
    typealias Tensor = PlainCheckpointFile.Tensor
    let ids = Tensor("input_ids", [1, 4], ids: [1, 2, 3, 4])
    let cases: [([Tensor], String)] = [
      ([Tensor("input_ids", [1, 4], [1, 2, 3, 4])], "F32 [1, 4]"),
      ([Tensor("input_ids", [1, 1, 4], ids: [1, 2, 3, 4])], "[1, 1, 4]"),
      ([Tensor("input_ids", [], ids: [1])], "[]"),
      ([Tensor("input_ids", [0, 4], ids: [])], "prompt"),
      ([Tensor("input_ids", [4, 0], ids: [])], "prompt"),
      ([Tensor("input_ids", [1, 4], ids: [1, 2, 3, .max])], "0 to 95"),
      ([Tensor("input_ids", [1, 4], ids: [1, 2, 3, .min])], "0 to 95"),
      ([ids, Tensor("labels", [1, 3], ids: [1, 2, 3])], "labels"),
      ([ids, Tensor("labels", [4], [1, 2, 3, 4])], "labels"),
      ([ids, Tensor("labels", [2, 2], ids: [1, 2, 3, 4])], "labels"),
      ([ids, Tensor("labels", [1, 4], ids: [1, 2, 3, 4000])], "4000"),
      ([ids, Tensor("labels", [1, 4], ids: [-100, -100, -100, -100])], "predict"),
    ]
    for (tensors, mention) in cases {
      let file = try folder.write("tokens.safetensors", PlainCheckpointFile(tensors).bytes)
      expectRefusal(try score(file), 65, [mention])
    }
    let file = try folder.write("tokens.safetensors", PlainCheckpointFile([]).bytes)
    expectRefusal(try score(file), 66, [file.string, "input_ids"])
    try folder.write("tokens.safetensors", [1, 2, 3])
    expectRefusal(try score(file), 65, [file.string, "3 bytes"])
  }

  @Test func bytesOfASmallVocabulary() throws {
    let file = try folder.write("text.py", "ab\u{7f}".utf8)
    expectRefusal(try score(file, "--bytes"), 65, [file.string, "0 to 95", "97"])
    try folder.write("text.py", [])
    expectRefusal(try score(file, "--bytes"), 65, [file.string, "empty"])
    expectSuccess(try score(folder.write("text.py", [10, 20, 95]), "--bytes"))
  }

  @Test func everyFormGivesTheSameScore() throws {
    let ids: [Int64] = [5, 90, 3, 3, 17]
    let tensor = PlainCheckpointFile([.init("input_ids", [5], ids: ids)])
    let files = [
      try folder.write("a.json", "[5, 90, 3, 3, 17]".utf8),
      try folder.write("b.json", #"{"input_ids": [[5, 90, 3, 3, 17]], "attention_mask": []}"#.utf8),
      try folder.write("c.txt", "5 90\t3\r\n3\n17\n".utf8),
      try folder.write("d.safetensors", tensor.bytes),
    ]
    var scores = try files.map { try score($0, "--json").json()["nll"]?.number }
    let raw = try folder.write("e", [5, 90, 3, 3, 17])
    scores.append(try score(raw, "--json", "--bytes").json()["nll"]?.number)
    #expect(scores[0] != nil && Set(scores).count == 1, "\(scores)")
  }

  @Test func filesThatAreNone() throws {
    for name in ["nowhere.json", "nowhere/tokens.json"] {
      expectRefusal(try score(folder.path.appending(name)), 66, [name])
    }
    let file = try folder.write("tokens", [1])
    expectRefusal(try score(file), 64, [".json", "--bytes"])
    expectRefusal(try score(folder.path, "--bytes"), 65, [folder.path.string])
    expectRefusal(try score("/dev/null", "--bytes"), 65, ["/dev/null"])
    expectRefusal(try GraftCommand.run("score", model), 64, ["--tokens"])
  }

  @Test(arguments: ["tokens.json", "tokens.txt", "tokens.safetensors"])
  func aPipeDoesNotHang(_ name: String) throws {
    let pipe = folder.path.appending(name)
    #expect(mkfifo(pipe.string, 0o600) == 0)
    expectRefusal(try score(pipe), 65, [pipe.string, "regular file"])
  }

  @Test func longerThanLearnedPositions() throws {
    let path = Fixtures.path("options/learned-absolute").string
    let file = try folder.write(
      "t.json", "[\(Array(repeating: "1", count: 41).joined(separator: ","))]".utf8)
    for arguments in [
      ["score", path], ["generate", path, "--count", "1"], ["verify", path, path],
    ] {
      let result = try GraftCommand.run(arguments + ["--tokens", file.string])
      expectRefusal(result, 65, ["at most 40"])
    }
    let short = try folder.write("s.json", "[1, 2]".utf8)
    let result = try GraftCommand.run("generate", path, "--tokens", short.string, "--count", "60")
    expectRefusal(result, 65, ["at most 40"])
  }
}
