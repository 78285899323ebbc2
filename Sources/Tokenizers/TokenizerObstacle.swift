import Diagnostics
import JSON

/// What keeps Graft from reading text with a tokenizer.
enum TokenizerObstacle {
  /// The problem that a part of a tokenizer is of another kind.
  static func problem(_ part: String, _ found: JSONValue) -> Problem {
    Problem(
      .unsupported, "the tokenizer is of a kind that Graft does not read",
      expected: "byte-level BPE as Qwen, OLMo, Granite, Ling and Kimi use it",
      found: "\(part) \((found["type"] ?? found).text(indent: 0).prefix(longest))",
      remedy: "give token ids with --tokens")
  }

  /// The problem that a GGUF file cuts words in a way that is not known.
  static func words(_ found: String?) -> Problem {
    Problem(
      .unsupported, "the tokenizer cuts words in a way that Graft does not know",
      expected: "tokenizer.ggml.pre " + WordPattern.all.flatMap(\.names).joined(separator: ", "),
      found: found.map { JSONValue.string($0).text(indent: 0) } ?? "none",
      remedy: "give token ids with --tokens")
  }

  /// The problem that files beside a tokenizer contradict it.
  static func conflict(_ found: String) -> Problem {
    Problem(
      .unsupported, "the files of the tokenizer contradict each other", found: found,
      remedy: "give token ids with --tokens")
  }

  /// The problem that a part of a tokenizer is larger than Graft reads.
  static func excess(_ part: String, expected: String, found: String) -> Problem {
    Problem(
      .unsupported, "a part of the tokenizer is too large: \(part)", expected: expected,
      found: found, remedy: "give token ids with --tokens")
  }

  /// How much of a value is shown.
  private static let longest = 400
}
