import GraftTestSupport
import JSON
import Testing

/// `convert --explain`: the comparison, fact by fact, without writing.
@Suite struct ExplainTests {
  private func explain(_ fixture: String, _ options: String...) throws -> CommandResult {
    try GraftCommand.run(
      ["convert", "--explain", Fixtures.path(fixture).string] + options)
  }

  @Test func everyReasonIsNamed() throws {
    let result = try explain("huggingface/qwen3_next/bf16", "--to", "lm-engine", "--json")
    #expect(result.exitCode == 69)
    let comparison = try result.json()["to"]?.array?.first
    #expect(comparison?["exact"] == false)
    let facts = comparison?["facts"]?.array ?? []
    let found = facts.filter { $0["verdict"] != "same" }.compactMap { $0["fact"]?.string }
    #expect(found == ["gdn.gate", "rope.side"])
    #expect(comparison?["reasons"]?.array?.count == 2)
  }

  @Test func anExactConversionListsEveryFact() throws {
    let result = try explain("huggingface/qwen3_next/bf16", "--to", "qwen3_5_moe", "--json")
    expectSuccess(result)
    let comparison = try result.json()["to"]?.array?.first
    #expect(comparison?["exact"] == true)
    let facts = comparison?["facts"]?.array ?? []
    #expect(facts.allSatisfy { $0["verdict"] == "same" })
    let names = facts.compactMap { $0["fact"]?.string }
    for name in [
      "norm.eps", "rope.dim", "rope.side", "gdn.gate", "attention.qk_norm", "moe.router",
    ] {
      #expect(names.contains(name))
    }
  }

  @Test func withoutALayoutAllAreCompared() throws {
    let result = try explain("huggingface/qwen3_5/text-bf16")
    expectSuccess(result)
    #expect(result.output.contains("qwen3_5 → mlx-qwen3_5: exact"))
    #expect(result.output.contains("qwen3_5 → olmo_hybrid: refused"))
  }

  /// Facts that the layout's readers cannot take are marked, with their numbers.
  @Test func aLimitMarksItsFacts() throws {
    let copy = try EditableCheckpoint("huggingface/qwen3_next/bf16")
    try copy.editConfig { $0["partial_rotary_factor"] = 0.1 }
    let result = try copy.graft("convert", "--explain", "--to", "gguf-qwen3next", "--json")
    #expect(result.exitCode == 69)
    let facts = try result.json()["to"]?.array?.first?["facts"]?.array ?? []
    let limited = facts.filter { $0["verdict"] == "limited" }
    #expect(limited.map { $0["fact"] } == ["rope.dim", "attention.head_dim"])
    #expect(limited.map { $0["here"] } == [3, 32])
    #expect(facts.filter { $0["fact"] == "rope.dim" }.count == 1)
  }

  /// One decay for all channels of a head is a case of a decay for each; the rest of the layer and of the model does not
  /// fit, and each fact says why.
  @Test(arguments: [
    ("huggingface/qwen3_next/bf16", "kimi_linear", true),
    ("huggingface/qwen3_next/bf16", "bailing_hybrid", false),
    ("huggingface/qwen3_next/bf16", "gguf-kimi-linear", true),
    ("huggingface/qwen3_next/bf16", "mlx-kimi_linear", true),
    ("huggingface/olmo_hybrid/bf16", "kimi_linear", true),
    ("lm-engine/gdn-hybrid", "kimi_linear", true), ("fla/gdn-hybrid", "bailing_hybrid", false),
  ])
  func gatedDeltaNetIsNoKimiDeltaAttention(_ fixture: String, _ layout: String, _ isLowRank: Bool)
    throws
  {
    let result = try explain(fixture, "--to", layout, "--json")
    #expect(result.exitCode == 69)
    let comparison = try result.json()["to"]?.array?.first
    let mixers = comparison?["facts"]?.array?.filter { $0["fact"] == "mixer" } ?? []
    #expect(Set(mixers.compactMap { $0["here"]?.string }) == ["gdn", "attention"])
    #expect(mixers.allSatisfy { $0["verdict"] == "unsaid" })
    let reasons = comparison?["reasons"]?.array?.filter {
      $0["found"]?.string?.hasPrefix("gdn in layers") == true
    }
    let reason = try #require(reasons?.first)
    #expect(reasons?.count == 1)
    let (needed, found) = (reason["expected"]?.string ?? "", reason["found"]?.string ?? "")
    // Its own layers say what they have; those of the layout, what they need.
    let config = try JSONValue(parsing: Fixtures.contents(Fixtures.path(fixture + "/config.json")))
    let isGated = config["model_type"] != "gpt_base"
    #expect(needed.hasPrefix("kda, which gdn is with "))
    #expect(found.contains(isGated ? "gdn.gate_activation silu" : "gdn.gate before_norm"))
    #expect(needed.contains(isGated ? "gdn.gate_activation sigmoid" : "gdn.gate after_norm"))
    #expect(found.contains("kda.low_rank false") == isLowRank)
    #expect(needed.contains("kda.low_rank true") == isLowRank)
    #expect(found.contains("negative_eigenvalues true") == fixture.contains("olmo_hybrid"))
  }

  /// A limit says what its readers need, which is not what is here; facts of the model are of no layer.
  @Test func aLimitSaysWhatIsNeeded() throws {
    let limits = try explain("huggingface/lara_mini/bf16", "--to", "gguf-kimi-linear").output
    #expect(limits.contains("expected head=own; found head tied\n"))
    #expect(limits.contains("expected mixer=kda; found no such layer\n"))
  }

  /// Tensors without a place are a reason beside facts.
  @Test func carriedTensorsAreNamedBesideFacts() throws {
    let result = try explain("huggingface/qwen3_5/multimodal-mixed", "--to", "lm-engine")
    #expect(result.exitCode == 69)
    #expect(result.output.contains("gdn.gate"))
  }

  /// What would be met once the first reason is out of the way is said at once.
  @Test(arguments: [
    (
      "qwen3_5/fp8-multimodal", "mlx", ["no place for some tensors", "cannot move with its scales"]
    ),
    ("qwen3_5/fp8-multimodal", "fla", ["attention.gate", "cannot move with its scales"]),
    ("qwen3_next/fp8-per-tensor", "gguf", ["a shared expert", "cannot move with its scales"]),
  ])
  func reasonsBehindOthersAreNamed(_ model: String, _ layout: String, _ expected: [String]) throws {
    let result = try explain("huggingface/\(model)", "--to", layout)
    #expect(result.exitCode == 69)
    for reason in expected { #expect(result.output.contains(reason)) }
    let others = try explain(
      "huggingface/\(model)", "--to", layout, "--mtp", "drop", "--dtype", "f32")
    let left = others.output.split(separator: "\n").filter { $0.hasPrefix("  layout ") }
    #expect(left.allSatisfy { result.output.contains($0) })
    #expect(!others.output.contains("cannot move with its scales"))
  }

  @Test func aPlaceToWriteIsNeededOtherwise() throws {
    let result = try GraftCommand.run("convert", Fixtures.path("options/tied").string)
    #expect(result.exitCode == 64)
  }
}
