import GraftTestSupport
import JSON
import Testing

/// Generation and scoring through the command line.
@Suite struct GenerateCommandTests {
  private let folder: TemporaryDirectory
  private let model = Fixtures.path("options/gdn-long").string
  private let tokens: String

  init() throws {
    folder = try TemporaryDirectory()
    tokens = try folder.write("t.json", "[[3, 1, 4], [1, 5, 9, 2]]".utf8).string
  }

  private func generate(_ options: String...) throws -> [[Int]] {
    let arguments = ["generate", model, "--tokens", tokens, "--count", "12", "--json"]
    let result = try GraftCommand.run(arguments + options)
    expectSuccess(result)
    let rows = try result.json()["generated"]?.array ?? []
    return rows.map { ($0.array ?? []).compactMap(\.int) }
  }

  @Test func greedyTokensAreThoseOfTheWholeSequence() throws {
    let greedy = try generate()
    #expect(greedy.map(\.count) == [12, 12])
    let whole = [3, 1, 4] + greedy[0]
    let file = try folder.write("w.json", "\(whole)".utf8).string
    let out = folder.path.appending("out.safetensors")
    expectSuccess(
      try GraftCommand.run("logits", model, "--tokens", file, "--output", out.string))
    let logits = try #require(PlainCheckpointFile(out)["logits"])
    let width = logits.shape[2]
    for position in 2..<(whole.count - 1) {
      let row = logits.floats[(position * width)..<((position + 1) * width)]
      let largest = row.indices.max { row[$0] < row[$1] } ?? 0
      #expect(largest - position * width == whole[position + 1])
    }
  }

  @Test func aSeedDecidesTheDraws() throws {
    let first = try generate("--temperature", "1", "--seed", "3")
    #expect(try first == generate("--temperature", "1", "--seed", "3", "-j", "1"))
    #expect(try first != generate("--temperature", "1", "--seed", "4"))
    #expect(first.joined().allSatisfy { (0..<96).contains($0) })
  }

  @Test(arguments: ["0", "1e-9", "1e-300", "5e-324"])
  func lowTemperaturesAreGreedy(_ temperature: String) throws {
    #expect(try generate("--temperature", temperature, "--seed", "9") == generate())
  }

  @Test(arguments: [
    ["--count", "0"], ["--count", "-1"], ["--count", "1000001"], ["--temperature", "-1"],
    ["--temperature", "nan"], ["--temperature", "inf"], ["--seed", "-1"], ["--seed", "x"],
  ])
  func usageOfGenerate(_ options: [String]) throws {
    let joined = ["\(options[0])=\(options[1])"]
    expectRefusal(try GraftCommand.run(["generate", model, "--tokens", tokens] + joined), 64)
  }

  @Test func theStateTrackerIsRightAtSixteenTimesItsLength() throws {
    let path = Fixtures.path("trained/s3-state-tracking")
    let result = try GraftCommand.run(
      "score", path.string, "--tokens", path.appending("reference.safetensors").string, "--json")
    expectSuccess(result)
    let score = try result.json()
    #expect(score["accuracy"]?.number == 1 && score["labelled"] == true)
    #expect(score["predictions"] == 4096 && score["sequences"] == 2)
  }

  @Test func theNllOfTheTrainer() throws {
    let path = Fixtures.path("trained/pytiny")
    let recorded = try JSONValue(parsing: Fixtures.bytes("trained/pytiny/nll.json"))
    let expected = try #require(recorded["nll_per_byte"]?.number)
    let result = try GraftCommand.run(
      "score", path.string, "--tokens", Fixtures.path("trained/python-source.val.bin").string,
      "--bytes", "--block", "257", "--limit", "4112", "--json")
    expectSuccess(result)
    let nll = try #require(try result.json()["nll"]?.number)
    #expect(abs(expected - nll) < 1e-5)
  }
}
