import Containers
import Foundation
import GraftTestSupport
import JSON
import Opening
import SystemPackage
import Testing

@testable import Conversion

/// What lies beside a `tokenizer.json` becomes metadata of a GGUF file, or the plan says what does not.
@Suite struct TokenizerFilesTests {
  private let checkpoint: EditableCheckpoint

  init() throws {
    checkpoint = try EditableCheckpoint("huggingface/qwen3_5/text-bf16")
    for name in ["tokenizer.json", "tokenizer_config.json"] {
      try checkpoint.write(name, Fixtures.bytes("gguf/tokenizer/\(name)"))
    }
  }

  /// The metadata of the tokenizer by key, and what is left out of it, by name and reason.
  private func converted() throws -> (values: [String: JSONValue], dropped: [String]) {
    let source = try OpenedModel(checkpoint.path, catalogue: .builtIn())
    let layout = try source.target("gguf-qwen35", in: .builtIn())
    let plan = try CheckpointPlan(converting: source, to: layout, options: ConversionOptions())
    let values = plan.shards[0].values.filter { $0.key.hasPrefix("tokenizer.") }
    return (
      Dictionary(
        values.map { key, value in
          (key, value.texts.map { .array($0.map { .string($0) }) } ?? value.json)
        }, uniquingKeysWith: { _, last in last }),
      plan.dropped.map { "\($0.name): \($0.reason)" }
    )
  }

  private func set(_ key: String, _ value: JSONValue) throws {
    var settings = JSONObject()
    settings["eos_token"] = "<|im_end|>"
    settings[key] = value
    try checkpoint.write("tokenizer_config.json", JSONValue.object(settings).text().utf8)
  }

  private static let several: JSONValue = [
    ["name": "tool_use", "template": "T"], ["name": "default", "template": "D"],
    ["name": "rag/2", "template": "R"],
  ]

  @Test(arguments: [several, ["tool_use": "T", "default": "D", "rag/2": "R"]])
  func severalTemplatesHaveNames(templates: JSONValue) throws {
    try set("chat_template", templates)
    let (values, dropped) = try converted()
    #expect(values["tokenizer.ggml.tokens"]?.array?.count == 320)
    #expect(values["tokenizer.chat_template"] == "D")
    #expect(values["tokenizer.chat_template.tool_use"] == "T")
    #expect(values["tokenizer.chat_template.rag_2"] == "R")
    #expect(values["tokenizer.chat_templates"] == ["tool_use", "rag_2"])
    #expect(!dropped.contains { $0.contains("template") || $0.hasPrefix("tokenizer:") })
  }

  @Test func templatesWithoutADefaultOrAName() throws {
    try set(
      "chat_template",
      [["name": "a b", "template": "1"], ["name": "a-b", "template": "2"], ["template": "3"]])
    let (values, dropped) = try converted()
    #expect(values["tokenizer.ggml.tokens"] != nil && values["tokenizer.chat_template"] == nil)
    #expect(values["tokenizer.chat_template.a_b"] == "1")
    #expect(dropped.contains("chat template a-b: GGUF has no other name for it"))
    #expect(
      dropped.contains(
        "tokenizer_config.json: chat_template: chat template without a name or a text"))
  }

  /// As in transformers, files count more than `tokenizer_config.json`.
  @Test func filesCountMoreThanSettings() throws {
    try set("chat_template", "settings")
    try checkpoint.write("chat_template.jinja", "file".utf8)
    let folder = checkpoint.path.appending("additional_chat_templates")
    try FileManager.default.createDirectory(
      atPath: folder.string, withIntermediateDirectories: false)
    try checkpoint.write("additional_chat_templates/rag.jinja", "R".utf8)
    try checkpoint.write("additional_chat_templates/notes.txt", "no".utf8)
    let (values, dropped) = try converted()
    #expect(values["tokenizer.chat_template"] == "file")
    #expect(values["tokenizer.chat_templates"] == ["rag"])
    #expect(values["tokenizer.chat_template.rag"] == "R")
    #expect(
      dropped.contains("tokenizer_config.json: chat_template: another file has chat templates"))
  }

  @Test func theTemplateOfAProcessor() throws {
    try checkpoint.write("chat_template.json", #"{"chat_template": "P"}"#.utf8)
    #expect(try converted().values["tokenizer.chat_template"] == "P")
    try set("chat_template", "P")
    #expect(try !converted().dropped.contains { $0.contains("template") })
    try set("chat_template", "Q")
    let (values, dropped) = try converted()
    #expect(values["tokenizer.chat_template"] == "Q")
    #expect(dropped.contains("chat_template.json: chat_template: another file has chat templates"))
  }

  /// Tokens that stand in `added_tokens.json` alone get the numbers that transformers gives them.
  @Test func addedTokensHaveAFileOfTheirOwn() throws {
    try checkpoint.write(
      "added_tokens.json", #"{"<think>": 290, "<b>": 294, "<a>": 293}"#.utf8)
    try checkpoint.write("special_tokens_map.json", #"{"mask_token": {"content": "<b>"}}"#.utf8)
    let (values, dropped) = try converted()
    let tokens = values["tokenizer.ggml.tokens"]?.array ?? []
    let kinds = values["tokenizer.ggml.token_type"]?.array ?? []
    #expect(tokens[293] == "<a>" && tokens[294] == "<b>" && tokens.count == 320)
    #expect(kinds[293] == 4 && kinds[294] == 3)
    #expect(values["tokenizer.ggml.mask_token_id"] == 294)
    #expect(!dropped.contains { $0.hasPrefix("tokenizer:") })
  }

  /// As in transformers, the file does not count where `tokenizer_config.json` lists added tokens.
  @Test func listedTokensCountMore() throws {
    try checkpoint.write("added_tokens.json", #"{"<a>": 293}"#.utf8)
    try set("added_tokens_decoder", ["290": ["content": "<think>"]])
    #expect(try converted().values["tokenizer.ggml.tokens"]?.array?[293] == "[PAD293]")
  }

  @Test(arguments: [
    (#"{"<a>": 300}"#, "", "added_tokens.json gives <a> the number 300, where it gets 293"),
    (
      #"{"<a>": 293.5}"#, "",
      "added_tokens.json gives <a> the number 293.5, which is no integer"
    ),
    (#"{"<think>": 5}"#, "", "added_tokens.json gives <think> the number 5, where it gets 290"),
    (
      "{}", #"{"eos_token": "<think>"}"#,
      "tokenizer_config.json and special_tokens_map.json differ in the eos_token"
    ),
  ])
  func contradictionsLeaveNoTokenizer(added: String, special: String, reason: String) throws {
    try checkpoint.write("added_tokens.json", added.utf8)
    if !special.isEmpty { try checkpoint.write("special_tokens_map.json", special.utf8) }
    let (values, dropped) = try converted()
    #expect(values["tokenizer.ggml.model"] == "none" && values["tokenizer.ggml.tokens"] == nil)
    #expect(values["tokenizer.ggml.eos_token_id"] == 2, "what the config says of it stays")
    #expect(dropped.contains("tokenizer: " + reason))
  }
}
