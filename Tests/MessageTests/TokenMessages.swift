import GraftTestSupport
import JSON

extension MessageSection {
  private static let tiny = "fixtures/options/gdn-small"

  /// Token files and references.
  static let tokens = MessageSection(
    "Tokens and references",
    [
      .init("a token file of a kind nobody knows") { try $0.score("tokens.csv", "1,2") },
      .init("no token file") { try $0.graft("score", tiny, "--tokens", "nowhere.json") },
      .init("a token file without input_ids") { try $0.score("t.json", #"{"ids": [1]}"#) },
      .init("a token that is no number") { try $0.score("t.json", #"[1, "two"]"#) },
      .init("a word among the ids") { try $0.score("t.txt", "1 2 three") },
      .init("ids nested too deeply") { try $0.score("t.json", "[[1], 2]") },
      .init("something else than a list") { try $0.score("t.json", "17") },
      .init("no prompt") { try $0.score("t.json", "[]") },
      .init("a directory in place of tokens") {
        try $0.shell("mkdir t.json; graft score \(tiny) --tokens t.json")
      },
      .init("a tensor of no prompts") { shop in
        let tensor = PlainCheckpointFile.Tensor("input_ids", [0, 4], ids: [])
        try shop.file("t.safetensors", PlainCheckpointFile([tensor]).bytes)
        return try shop.graft("score", tiny, "--tokens", "t.safetensors")
      },
      .init("an empty prompt") { try $0.score("t.json", "[[1, 2], []]") },
      .init("a token outside the vocabulary") { try $0.score("t.json", "[1, 2, 96]") },
      .init("a label outside the vocabulary") {
        try $0.score("t.json", #"{"input_ids": [1, 2], "labels": [1, 96]}"#)
      },
      .init("no tokens at all") { try $0.score("t.json", #"{"input_ids": []}"#) },
      .init("labels of another length") {
        try $0.score("t.json", #"{"input_ids": [1, 2], "labels": [1]}"#)
      },
      .init("nothing to predict") { try $0.score("t.json", "[1]") },
      .init("ids of another type") { shop in
        let tensor = PlainCheckpointFile.Tensor("input_ids", [2], [1, 2])
        let path = try shop.file("t.safetensors", PlainCheckpointFile([tensor]).bytes)
        return try shop.graft("score", tiny, "--tokens", path.lastComponent?.string ?? "")
      },
      .init("a safetensors file without ids") { shop in
        try shop.file("t.safetensors", PlainCheckpointFile([]).bytes)
        return try shop.graft("score", tiny, "--tokens", "t.safetensors")
      },
      .init("blocks longer than the tokens") { shop in
        try shop.file("t.json", "[1, 2, 3]".utf8)
        return try shop.graft("score", tiny, "--tokens", "t.json", "--block", "10")
      },
      .init("the name of a file as a text") { shop in
        try shop.file("t.txt", "text".utf8)
        return try shop.graft("score", tiny, "--text", "t.txt")
      },
      .init("text without a tokenizer") { shop in
        try shop.file("t.txt", "text".utf8)
        return try shop.graft("score", tiny, "--text-file", "t.txt")
      },
      .init("a tokenizer of another kind") { shop in
        try shop.model("options/gdn-small") {
          try $0.write("tokenizer.json", #"{"model": {"type": "Unigram"}}"#.utf8)
        }
        try shop.file("t.txt", "text".utf8)
        return try shop.graft("score", "model", "--text-file", "t.txt")
      },
      .init("added tokens under other numbers") { shop in
        let bytes = try Fixtures.bytes("tokenizers/qwen2/tokenizer.json")
        try shop.model("options/gdn-small") {
          try $0.write("tokenizer.json", bytes)
          try $0.write("added_tokens.json", #"{"<|extra|>": 9}"#.utf8)
        }
        try shop.file("t.txt", "text".utf8)
        return try shop.graft("score", "model", "--text-file", "t.txt")
      },
      .init("text that is not UTF-8") { shop in
        try shop.file("t.txt", [0xff])
        return try shop.graft("score", tiny, "--text-file", "t.txt")
      },
      .init("prompts of several lengths in one reference") { shop in
        try shop.file("t.json", "[[1, 2, 3], [4]]".utf8)
        return try shop.graft("logits", tiny, "--tokens", "t.json", "--output", "l.safetensors")
      },
      .init("more tokens than learned positions") { shop in
        try shop.file("t.json", "[\(Array(repeating: "1", count: 41).joined(separator: ","))]".utf8)
        return try shop.graft("score", "fixtures/options/learned-absolute", "--tokens", "t.json")
      },
      .init("a reference that is none") {
        try $0.graft("verify", tiny, "--reference", tiny + "/model.safetensors")
      },
      .init("a reference without logits") { try $0.verify { $0["logits"] = nil } },
      .init("logits of a model that has none") { shop in
        try shop.headless()
        let reference = "fixtures/huggingface/qwen3_next/bf16/reference.safetensors"
        return try shop.graft("verify", "model", "--reference", reference)
      },
      .init("final hidden states of another width") { shop in
        try shop.headless()
        try shop.file(
          "t.safetensors",
          PlainCheckpointFile([
            .init("input_ids", [1, 2], ids: [1, 2]),
            .init("last_hidden_state", [1, 2, 3], [1, 2, 3, 4, 5, 6]),
          ]).bytes)
        return try shop.graft("verify", "model", "--reference", "t.safetensors")
      },
      .init("logits that no head gives") { shop in
        try shop.headless()
        try shop.file("t.json", "[1, 2]".utf8)
        return try shop.graft("score", "model", "--tokens", "t.json")
      },
      .init("logits of a third of the vocabulary") {
        try $0.verify { file in
          file["logits"]?.shape[2] = 32
          let third = (file["logits"]?.bytes.count ?? 0) / 3
          file["logits"]?.bytes.removeLast(2 * third)
        }
      },
      .init("logits of another type") {
        try $0.verify { file in
          file["logits"]?.type = "BF16"
          file["logits"]?.shape[2] *= 2
        }
      },
      .init("hidden states of another width") {
        try $0.verify { file in
          file["hidden.1"]?.shape[2] = 16
          let half = (file["hidden.1"]?.bytes.count ?? 0) / 2
          file["hidden.1"]?.bytes.removeLast(half)
        }
      },
      .init("hidden states of another model") {
        try $0.verify { file in
          file["hidden.3"] = file["hidden.0"].map { .init("hidden.3", $0.type, $0.shape, $0.bytes) }
        }
      },
      .init("a tokenizer without a byte") {
        try $0.tokenizer(replacing: #""vocab":{"!":0,"#, with: #""vocab":{"#)
      },
      .init("a template of a million tokens") {
        let part = #"{"SpecialToken": {"id": "s", "type_id": 0}}"#
        return try $0.tokenizer(
          replacing: #""post_processor":"#,
          with: """
            "post_processor": {"type": "TemplateProcessing", "single": [\
            \(Array(repeating: part, count: 1000).joined(separator: ",")), \
            {"Sequence": {"id": "A", "type_id": 0}}], "special_tokens": {"s": {"id": "s", "ids": [\
            \(Array(repeating: "5", count: 1000).joined(separator: ","))]}}}, "other":
            """)
      },
      .init("a long class of a regular expression") {
        try $0.tokenizer(
          replacing: #""Regex":""#,
          with: #""Regex":"["# + String(repeating: "a", count: 9000) + "]|")
      },
      .init("a hundred steps of a tokenizer") {
        let step = #"{"type": "Digits", "individual_digits": true},"#
        return try $0.tokenizer(
          replacing: #""pretokenizers":["#,
          with: #""pretokenizers":["# + String(repeating: step, count: 100))
      },
      .init("a merge of one text") {
        try $0.tokenizer(replacing: #""merges":["#, with: #""merges":["abc","#)
      },
      .init("words that only others cut") {
        let key = Array("tokenizer.ggml.pre".utf8) + [8, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0]
        return try $0.stated(key + Array("qwen35".utf8), key + Array("qwen99".utf8))
      },
      .init("two tokens of one text in a weight file") {
        let text: [UInt8] = [1, 0, 0, 0, 0, 0, 0, 0]
        let first = text + Array("!".utf8) + text
        return try $0.stated(first + Array("\"".utf8), first + Array("!".utf8))
      },
      .init("kinds of tokens that are no whole numbers") {
        let kinds = GGUFBytes.entry("tokenizer.ggml.token_type", 9, [])
        return try $0.stated(kinds + [5, 0, 0, 0], kinds + [6, 0, 0, 0])
      },
      .init("fewer kinds than tokens") {
        let kinds = GGUFBytes.entry("tokenizer.ggml.token_type", 9, [])
        let merges = "tokenizer.ggml.merges"
        return try $0.stated(
          kinds + [5, 0, 0, 0, 44, 1], kinds + [5, 0, 0, 0, 43, 1],
          also: (
            [5, 0, 0, 0] + GGUFBytes.entry(merges, 9, []),
            GGUFBytes.entry(merges + "____", 9, [])
          ))
      },
      .init("a token after each text that nothing names") {
        try $0.stated(
          GGUFBytes.eos(292) + GGUFBytes.padding(""), GGUFBytes.addEOS + GGUFBytes.padding("__"))
      },
      .init("a token after each text beyond the vocabulary") {
        try $0.stated(
          GGUFBytes.eos(292) + GGUFBytes.padding("") + GGUFBytes.template(""),
          GGUFBytes.eos(999) + GGUFBytes.addEOS + GGUFBytes.template("______"))
      },
      .init("an added token without a number") {
        try $0.tokenizer(replacing: #""added_tokens":["#, with: #""added_tokens":[{},"#)
      },
    ])
}

/// Entries of the metadata of a GGUF file, to put others of the same length in their place.
private enum GGUFBytes {
  static func entry(_ key: String, _ type: UInt8, _ value: [UInt8]) -> [UInt8] {
    number(key.utf8.count, bytes: 8) + Array(key.utf8) + [type, 0, 0, 0] + value
  }

  static func eos(_ id: Int) -> [UInt8] {
    entry("tokenizer.ggml.eos_token_id", 4, number(id, bytes: 4))
  }

  static let addEOS = entry("tokenizer.ggml.add_eos_token", 7, [1])

  static func padding(_ more: String) -> [UInt8] {
    entry("tokenizer.ggml.padding_token_id" + more, 4, number(291, bytes: 4))
  }

  static func template(_ more: String) -> [UInt8] {
    entry("tokenizer.chat_template" + more, 8, [])
  }

  private static func number(_ value: Int, bytes: Int) -> [UInt8] {
    (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
}

extension Workshop {
  fileprivate func score(_ name: String, _ text: String) throws -> Message {
    try file(name, text.utf8)
    return try graft("score", "fixtures/options/gdn-small", "--tokens", name)
  }

  /// Scores a text with a changed tokenizer.
  fileprivate func tokenizer(replacing old: String, with new: String) throws -> Message {
    let bytes = try Fixtures.bytes("tokenizers/qwen2/tokenizer.json")
    let tokenizer = String(decoding: bytes, as: UTF8.self).replacing(old, with: new)
    try model("options/gdn-small") { try $0.write("tokenizer.json", tokenizer.utf8) }
    try file("t.txt", "text".utf8)
    return try graft("score", "model", "--text-file", "t.txt")
  }

  /// Scores a text with a weight file that states its tokenizer in other bytes.
  fileprivate func stated(
    _ old: [UInt8], _ new: [UInt8], also other: (old: [UInt8], new: [UInt8]) = ([0], [0])
  ) throws -> Message {
    let bytes = try Fixtures.bytes("gguf/qwen35moe-bf16.gguf")
      .replacing(old, with: new, maxReplacements: 1)
      .replacing(other.old, with: other.new, maxReplacements: 1)
    try file("model.gguf", bytes)
    return try graft("score", "model.gguf", "--text", "some words")
  }

  /// A base model, named `model`.
  fileprivate func headless() throws {
    try model("huggingface/qwen3_next/bf16") { copy in
      try copy.editConfig { $0["architectures"] = ["Qwen3NextModel"] }
      try copy.editWeights { $0["lm_head.weight"] = nil }
    }
  }

  fileprivate func verify(_ change: (inout PlainCheckpointFile) throws -> Void) throws -> Message {
    try model("options/gdn-small") { try $0.editWeights("reference.safetensors", change) }
    return try graft("verify", "model", "--reference", "model/reference.safetensors")
  }
}
