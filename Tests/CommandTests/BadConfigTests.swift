import GraftTestSupport
import JSON
import Testing

/// Configs that are no JSON, cannot be meant, or belong to other weights.
@Suite struct BadConfigTests {
  /// A text of the config and what takes its place.
  struct Case: CustomTestStringConvertible, Sendable {
    let fixture: String
    let old: String
    let new: String
    let exitCode: Int32
    let mentions: [String]
    var testDescription: String { "\(fixture): \(new)" }

    init(
      _ fixture: String, _ old: String, _ new: String, _ exitCode: Int32 = 65, _ mentions: String...
    ) {
      self.fixture = "options/" + fixture
      (self.old, self.new, self.exitCode) = (old, new, exitCode)
      self.mentions = mentions
    }
  }

  private static let vocabulary = #""vocab_size": 96"#
  private static let hidden = #""hidden_size": 32"#
  private static let mixer = #""sequence_mixer_type": "gated_deltanet""#

  static let numbers: [Case] =
    [
      "1000000000000", "9223372036854775807", "9223372036854775808", "18446744073709551616", "-1",
      "0", "96.0", "96.5", "1e400", #""96""#, "null", "true", "[96]", "{}",
    ].map { Case("gdn-small", vocabulary, #""vocab_size": "# + $0) }
    + ["0", "-32", "1048577", "4611686018427387904", "32.5", #""32""#, "null", "33", "31"].map {
      Case("gdn-small", hidden, #""hidden_size": "# + $0)
    }
    + ["0", "-1", "1", "3", "1000000000000", "2.5", "null"].map {
      Case("gdn-small", #""num_layers": 2"#, #""num_layers": "# + $0)
    }
    + ["0", "-2", "3", "1000000000", "1e3", "null"].map {
      Case("gdn-small", #""num_k_heads": "#, #""num_k_heads": "# + $0 + #", "unused": "#)
    }
    + ["0", "-1", "1000000000", "1048575", "131070", "7"].map {
      Case("moe-routing", #""num_experts": "#, #""num_experts": "# + $0 + #", "unused": "#)
    }
    + ["0", "-1", "1000000000", "9", "1.5"].map {
      Case(
        "moe-routing", #""num_experts_per_tok": "#, #""num_experts_per_tok": "# + $0 + #", "u": "#)
    }
    + ["-1", "3", "1000000000000"].map {
      Case("rope", #""num_key_value_heads": "#, #""num_key_value_heads": "# + $0 + #", "unused": "#)
    }
    + ["0", "-4", "1048576", "4611686018427387904", "3"].map {
      Case("m2rnn-small", #""num_v_heads": "#, #""num_v_heads": "# + $0 + #", "unused": "#)
    }
    + ["-1", "1099511627777", "41"].map {
      Case(
        "learned-absolute", #""max_position_embeddings": 40"#,
        #""max_position_embeddings": "# + $0)
    }

  static let words: [Case] = [
    Case(
      "gdn-small", mixer, #""sequence_mixer_type": "hyena""#, 69, "hyena", "gated_deltanet", "layer"
    ),
    Case("gdn-small", mixer, #""sequence_mixer_type": 5"#, 69, "5"),
    Case("gdn-small", mixer, #""sequence_mixer_typ": "gated_deltanet""#, 69, "sequence_mixer_type"),
    Case("gdn-small", #""rmsnorm""#, #""p_norm""#, 69, "p_norm", "rmsnorm"),
    Case(
      "gdn-small", #""normalization_function": "rmsnorm""#, #""normalization_function": null"#, 69),
    Case("gdn-small", #""swiglu""#, #""swishglu""#, 69, "swishglu", "layer"),
    Case("gdn-small", #""nope""#, #""alibi""#, 69, "alibi"),
    Case("gdn-small", #""mlp_type": "MLP""#, #""mlp_type": "KAN""#, 69, "KAN"),
    Case("gdn-small", #""gpt_base""#, #""llama""#, 69, "llama"),
    Case("gdn-small", #""init_method": "normal""#, #""init_method": "xavier""#, 69, "xavier"),
    Case("yarn", #""factor": 4"#, #""factor": "4""#, 65, "factor"),
    Case(
      "gdn-small", #""allow_neg_eigval": false"#, #""allow_neg_eigval": 1"#, 65, "allow_neg_eigval",
      "true or false"),
    Case("gdn-small", #""use_gate": true"#, #""use_gate": "yes""#, 69, "yes"),
    Case(
      "gdn-small", #""sequence_mixer_blocks": ["#, #""sequence_mixer_blocks": [3,"#, 65, "object"),
    Case("gdn-small", #""sequence_mixer_blocks": "#, #""sequence_mixer_blocks": {}, "x": "#, 65),
    Case("gdn-small", #""mlp_blocks": "#, #""x": "#, 65, "mlp_blocks"),
    Case("gdn-small", vocabulary, #""x": 1"#, 65, "vocab_size"),
    Case("gdn-small", vocabulary, vocabulary + ", " + vocabulary, 65, "vocab_size", "twice"),
    Case("gdn-small", vocabulary, vocabulary + #", "vocab\u005fsize": 5"#, 65, "twice"),
    Case("gdn-small", vocabulary, vocabulary + ",", 65),
    Case("gdn-small", vocabulary, #""vocab_size": NaN"#, 65, "vocab_size"),
    Case("gdn-small", vocabulary, vocabulary + #", "x": 01"#, 65),
    Case("gdn-small", vocabulary, vocabulary + " // comment", 65),
    Case("gdn-small", vocabulary, vocabulary + #", "x": "\ud800""#, 65, "surrogate"),
  ]

  @Test(arguments: numbers + words)
  func refuses(_ sample: Case) throws {
    let checkpoint = try EditableCheckpoint(sample.fixture)
    try checkpoint.replace(sample.old, sample.new)
    let result = try checkpoint.graft("convert", checkpoint.beside("out").string, seconds: 15)
    expectRefusal(result, sample.exitCode, [checkpoint.path.string] + sample.mentions)
    #expect(checkpoint.neighbours == ["model"])
  }

  @Test(arguments: [
    "", "{", "null", "[]", "17", "\u{0}", "{}", "\"x\"", "{\"model_type\": \"gpt_base\"}",
  ])
  func aConfigThatIsNone(_ text: String) throws {
    let checkpoint = try EditableCheckpoint("options/gdn-small")
    try checkpoint.write("config.json", text.utf8)
    let result = try checkpoint.graft("inspect")
    expectRefusal(result, 65, [checkpoint.path.string])
  }

  @Test func aConfigOfDeepNestingOrHugeSize() throws {
    let checkpoint = try EditableCheckpoint("options/gdn-small")
    try checkpoint.write("config.json", String(repeating: "[", count: 1_000_000).utf8)
    try checkpoint.expectRefused(65, "config.json")
    try checkpoint.write("config.json", [UInt8](repeating: 0x20, count: 17 << 20))
    try checkpoint.expectRefused(65, "config.json", "bytes")
    try checkpoint.write("config.json", [0x22, 0xff, 0x22])
    try checkpoint.expectRefused(65, "config.json")
  }

  /// Layers that are not listed one by one are counted before they are spelled out.
  @Test(arguments: [3000, 60_000, 1_000_000_000])
  func moreLayersThanTensors(_ count: Int) throws {
    let checkpoint = try EditableCheckpoint("huggingface/qwen3_next/bf16")
    try checkpoint.editConfig { config in
      config["num_hidden_layers"] = JSONValue(count)
      config["layer_types"] = nil
    }
    let result = try checkpoint.graft("inspect", seconds: 10)
    expectRefusal(result, 65, ["config.json", "layers"])
  }

  @Test func noConfig() throws {
    let checkpoint = try EditableCheckpoint("options/gdn-small")
    try checkpoint.remove("config.json")
    try checkpoint.expectRefused(66, "config.json")
  }

  @Test func theConfigOfAnotherModel() throws {
    let checkpoint = try EditableCheckpoint("options/gdn-small")
    try checkpoint.write("config.json", Fixtures.bytes("options/gdn-heads/config.json"))
    try checkpoint.expectRefused(65, "config.json", "transformer.h.2.")
  }

  @Test(arguments: ["rope_theta\": 0", "rope_theta\": 1", "rope_theta\": -5"])
  func oddFrequenciesDoNotPass(_ text: String) throws {
    let checkpoint = try EditableCheckpoint("options/yarn")
    try checkpoint.editConfig { config in
      config["rope_theta"] = (try? JSONValue(parsing: Array(text.utf8.dropFirst(13)))) ?? 0
    }
    let result = try checkpoint.graft("verify", "--reference", checkpoint.reference)
    #expect([1, 65].contains(result.exitCode), "\(result)")
  }
}
