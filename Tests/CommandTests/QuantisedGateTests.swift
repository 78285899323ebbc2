import GraftTestSupport
import JSON
import Testing

/// `verify --gate quantised` on the command line.
@Suite struct QuantisedGateTests {
  private static let source = Fixtures.path("trained/qwen3_5-python")
  private static let gate = ["--gate", "quantised"]

  /// Twenty-four tokens in a file beside a copy.
  private func tokens(_ copy: QuantisedCopy) throws -> String {
    let ids = (0..<24).map { "\(($0 * 37 + 11) % 200)" }.joined(separator: ", ")
    try copy.checkpoint.write("../tokens.json", "[\(ids)]".utf8)
    return copy.checkpoint.beside("tokens.json").string
  }

  private func verify(_ checkpoint: EditableCheckpoint, _ options: [String]) throws
    -> CommandResult
  {
    try GraftCommand.run(["verify", checkpoint.path.string] + options)
  }

  @Test func roundingPassesAndOtherGatesHint() throws {
    let copy = try QuantisedCopy(Self.source, as: .awq)
    let more = [Self.source.string, "--tokens", try tokens(copy)]
    let strict = try verify(copy.checkpoint, more)
    #expect(strict.exitCode == 1 && strict.output.contains("--gate quantised"), "\(strict)")
    let page = copy.checkpoint.beside("page.html")
    let json = try verify(
      copy.checkpoint, more + Self.gate + ["--json", "--report", page.string])
    #expect(json.exitCode == 0, "\(json)")
    let document = try json.json()
    #expect(document["gate"] == "quantised" && document["pass"] == true)
    let errors = document["tensors"]?.array ?? []
    #expect(errors.count > 20 && errors.allSatisfy { $0["pass"] == true }, "\(errors)")
    #expect(document["explained"]?["layers"]?.array?.count == 4)
    let text = String(decoding: try Fixtures.contents(page), as: UTF8.self)
    #expect(text.contains("What rounding explains") && text.contains("worst stretch"))
  }

  /// What an original recorded is no weights: layers are held to what rounding does to them.
  @Test func aRecordingIsEnough() throws {
    let sound = try QuantisedCopy(Self.source, as: .compressedTensors)
    let recorded = sound.checkpoint.beside("recorded.safetensors").string
    expectSuccess(
      try GraftCommand.run(
        "logits", Self.source.string, "--output", recorded, "--hidden", "--tokens", tokens(sound)))
    expectSuccess(try verify(sound.checkpoint, ["--reference", recorded] + Self.gate))
    let spoilt = try QuantisedCopy(
      Self.source, as: .compressedTensors,
      fault: (.headRows, of: "layers.2.linear_attn.in_proj_qkv"))
    let found = try verify(spoilt.checkpoint, ["--reference", recorded] + Self.gate)
    #expect(found.exitCode == 1 && found.output.contains("first divergent layer: 2"), "\(found)")
  }

  @Test func plainWeightsHaveNoLevels() throws {
    let plain = try EditableCheckpoint(copying: Self.source)
    expectRefusal(
      try verify(plain, [Self.source.string] + Self.gate), 64,
      ["quantised", "--gate bf16"])
  }
}
