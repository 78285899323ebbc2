import JSON
import Tokenizers

/// Which parts of a `tokenizer.json` the metadata of GGUF can express.
struct TokenizerLimits {
  /// The expression that cuts text into words; nil where it is not cut by one expression.
  private(set) var pattern: String?
  /// Whether it says that no special tokens are put around a text.
  let addsNothing: Bool
  /// Why the file cannot be said in GGUF; nil where it can.
  private(set) var obstacle: String?

  /// Looks for parts that llama.cpp cannot express.
  init(_ file: TokenizerFile) {
    let after = file.parts["post_processor"] ?? .null
    addsNothing = Self.isByteLevel(after)
    obstacle = file.obstacle
    let normalizer = file.parts["normalizer"] ?? .null
    require(normalizer.isNull || normalizer["type"] == "NFC", "normalizer", normalizer)
    readWords(file.parts["pre_tokenizer"] ?? .null)
    require(addsNothing || after.isNull || Self.isPlainTemplate(after), "post_processor", after)
    let decoder = file.parts["decoder"] ?? .null
    require(decoder.isNull || Self.isByteLevel(decoder), "decoder", decoder)
    for (key, value) in file.model.entries where key != "type" {
      require(value.isNull || value == false || value == "", key, value)
    }
  }

  /// Words are cut by one expression, then their bytes become letters.
  private mutating func readWords(_ value: JSONValue) {
    let steps = value["pretokenizers"]?.array ?? []
    guard value["type"] == "Sequence", steps.count == 2, steps[0]["type"] == "Split",
      steps[0]["behavior"] == "Isolated", steps[0]["invert"] != true,
      Self.isByteLevel(steps[1]), steps[1]["add_prefix_space"] != true,
      steps[1]["use_regex"] == false
    else { return require(false, "pre_tokenizer", value["type"] ?? value) }
    pattern = steps[0]["pattern"]?["Regex"]?.string
  }

  private mutating func require(_ condition: Bool, _ what: String, _ found: JSONValue) {
    guard !condition, obstacle == nil else { return }
    obstacle = "\(what) \((found["type"] ?? found).text(indent: 0))"
  }

  /// Whether a template puts nothing around texts.
  private static func isPlainTemplate(_ value: JSONValue) -> Bool {
    let parts = [value["single"], value["pair"]].flatMap { $0?.array ?? [] }
    return value["type"] == "TemplateProcessing" && parts.allSatisfy { $0["Sequence"] != nil }
  }

  private static func isByteLevel(_ value: JSONValue) -> Bool { value["type"] == "ByteLevel" }
}
