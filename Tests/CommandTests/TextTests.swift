import Diagnostics
import GraftTestSupport
import JSON
import Testing

/// Text instead of token ids, by a tokenizer beside the model.
@Suite struct TextTests {
  private let model: EditableCheckpoint
  private let text = "the model says: 42 times  <|im_end|>\n"
  /// What Hugging Face's `tokenizers` makes of the text.
  private let ids = [
    256, 68, 220, 76, 78, 67, 68, 75, 271, 64, 88, 82, 25, 220, 19, 17, 272, 72, 76, 262, 220, 220,
    292, 198,
  ]

  init() throws {
    model = try EditableCheckpoint("huggingface/qwen3_5/text-bf16")
    try model.write("tokenizer.json", Fixtures.bytes("gguf/tokenizer/tokenizer.json"))
    try model.write("prompt.txt", text.utf8)
    try model.write("ids.json", "[\(ids.map(String.init).joined(separator: ","))]".utf8)
  }

  private func file(_ name: String) -> String { model.path.appending(name).string }

  @Test func textScoresAsItsTokens() throws {
    let byText = try model.graft("score", "--text-file", file("prompt.txt"), "--json")
    let byIDs = try model.graft("score", "--tokens", file("ids.json"), "--json")
    expectSuccess(byText)
    #expect(byText.output == byIDs.output)
    #expect(try byText.json()["predictions"] == 23)
  }

  /// The ids are also those that llama.cpp makes with the file.
  @Test func aWeightFileStatesItsTokenizer() throws {
    let weights = Fixtures.path("gguf/qwen35moe-bf16.gguf").string
    let byText = try GraftCommand.run(["score", weights, "--text", text, "--json"])
    let byIDs = try GraftCommand.run(["score", weights, "--tokens", file("ids.json"), "--json"])
    expectSuccess(byText)
    #expect(byText.output == byIDs.output)
    let continued = try GraftCommand.run(["generate", weights, "--text", text, "--count", "3"])
    expectSuccess(continued)
  }

  /// The vocabulary of the fixture is padded to that of the tokenizer.
  @Test func aRankedVocabularyIsRead() throws {
    let kimi = try EditableCheckpoint("huggingface/kimi_linear/bf16")
    let wide = kimi.beside("wide")
    expectSuccess(try kimi.graft("convert", wide.string, "--vocabulary", "858"))
    for name in ["tiktoken.model", "tokenizer_config.json"] {
      try kimi.write("../wide/" + name, Fixtures.bytes("tokenizers/kimi/" + name))
    }
    try kimi.write("ids.json", "[600,379,602]".utf8)
    let ids = kimi.path.appending("ids.json").string
    let byText = try GraftCommand.run(
      ["score", wide.string, "--text", "[BOS]HTTP<|im_end|>", "--json"])
    let byIDs = try GraftCommand.run(["score", wide.string, "--tokens", ids, "--json"])
    expectSuccess(byText)
    #expect(byText.output == byIDs.output)
  }

  @Test func metadataOfAnotherTypeAreNamed() throws {
    try model.remove("tokenizer.json")
    let key = Array("tokenizer.ggml.token_type".utf8) + [9, 0, 0, 0]
    let bytes = try Fixtures.bytes("gguf/qwen35moe-bf16.gguf")
      .replacing(key + [5], with: key + [4], maxReplacements: 1)
    try model.write("other.gguf", bytes)
    expectRefusal(
      try GraftCommand.run(["score", file("other.gguf"), "--text", "a b"]), 65,
      ["tokenizer.ggml.token_type", "i32", "--tokens", "other.gguf"])
  }

  @Test func promptsAreContinuedInText() throws {
    let byText = try model.graft("generate", "--text", text, "--count", "12", "--json")
    let byIDs = try model.graft(
      "generate", "--tokens", file("ids.json"), "--count", "12", "--json")
    expectSuccess(byText)
    #expect(try byText.json()["generated"] == byIDs.json()["generated"])
    let spelled = try #require(try byText.json()["text"]?.array?.first?.string)
    let printed = try model.graft("generate", "--text", text, "--count", "12")
    #expect(printed.output == PrintableText.text(spelled, keepsLines: true) + "\n")
    #expect(!spelled.isEmpty)
  }

  @Test func layersAreFittedOnText() throws {
    try model.write("long.txt", String(repeating: text, count: 60).utf8)
    expectSuccess(
      try model.graft(
        "splice", model.beside("out").string, "--layer", "0", "--init", "calibrate", "--steps",
        "2", "--text-file", file("long.txt")))
  }

  @Test func aTextMeansTheSameInEveryVerb() throws {
    let byFile = try model.graft("score", "--text-file", file("prompt.txt"), "--json")
    #expect(try model.graft("score", "--text", text, "--json").output == byFile.output)
    let read = try model.graft("generate", "--text-file", file("prompt.txt"), "--count", "3")
    #expect(read.output == (try model.graft("generate", "--text", text, "--count", "3").output))
    for verb in [["score"], ["splice", model.beside("x").string, "--layer", "0"]] {
      let options = Array(verb.dropFirst()) + ["--text", file("prompt.txt")]
      let old = try GraftCommand.run([verb[0], model.path.string] + options)
      expectRefusal(old, 64, ["name of a file", "--text-file"])
    }
    expectSuccess(try model.graft("generate", "--text", file("prompt.txt"), "--count", "1"))
  }

  @Test func anotherKindIsRefused() throws {
    try model.replace(#""ByteLevel""#, #""Metaspace""#, in: "tokenizer.json")
    expectRefusal(
      try model.graft("score", "--text-file", file("prompt.txt")), 69,
      ["byte-level BPE", "Metaspace", "--tokens"])
  }

  @Test func aModelWithoutTokenizerIsNamed() throws {
    try model.remove("tokenizer.json")
    expectRefusal(
      try model.graft("generate", "--text", text), 66,
      ["there is no tokenizer beside the model", "tokenizer.json", "--tokens"])
  }

  @Test func bytesThatAreNoTextAreRefused() throws {
    try model.write("prompt.txt", [0x61, 0xff])
    expectRefusal(
      try model.graft("score", "--text-file", file("prompt.txt")), 65,
      ["not UTF-8"])
  }

  @Test func tokensBeyondTheModelAreNamed() throws {
    try model.replace(#""id": 292"#, #""id": 999"#, in: "tokenizer.json")
    expectRefusal(
      try model.graft("score", "--text-file", file("prompt.txt")), 65,
      ["outside the vocabulary", "999"])
  }
}
