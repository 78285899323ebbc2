import Containers
import Diagnostics
import JSON
import Tensors
import Tokenizers

/// What lies beside a `tokenizer.json`: special tokens and the chat template.
struct TokenizerSettings {
  private let settings: JSONObject
  private let config: JSONValue
  private let template: JSONValue?

  /// The kinds of special tokens and what GGUF calls them; nil where it has no name.
  private static let kinds: [(kind: String, key: String?)] = [
    ("bos", "bos"), ("eos", "eos"), ("unk", "unknown"), ("sep", "seperator"), ("pad", "padding"),
    ("cls", nil), ("mask", "mask"),
  ]
  private static let limit = 16 << 20

  init(_ checkpoint: StoredCheckpoint, config: JSONValue) throws {
    self.config = config
    settings = try Self.members("tokenizer_config.json", of: checkpoint, where: Self.isUsed)
    if let own = settings["chat_template"] {
      template = own
    } else if checkpoint.sidecars.contains("chat_template.jinja") {
      let bytes = try MappedFile.readAll(
        checkpoint.path("chat_template.jinja"), limit: Self.limit)
      template = .string(String(decoding: bytes, as: UTF8.self))
    } else {
      template = try Self.members("chat_template.json", of: checkpoint, where: Self.isUsed)[
        "chat_template"]
    }
  }

  private static func isUsed(_ key: String) -> Bool {
    key == "chat_template" || key == "added_tokens_decoder" || key.hasSuffix("_token")
  }

  /// Some members of an object in a file; others, among which there are numbers beyond 64 bits, are
  /// not looked at.
  private static func members(
    _ name: String, of checkpoint: StoredCheckpoint, where isUsed: (String) -> Bool
  ) throws -> JSONObject {
    var members = JSONObject()
    guard checkpoint.sidecars.contains(name) else { return members }
    let path = checkpoint.path(name)
    let bytes = try MappedFile.readAll(path, limit: limit)
    try Problem.placing({ $0.inFile(path.string) }) {
      try bytes.withUnsafeBytes { text in
        var scanner = JSONScanner(text)
        var keys = JSONKeySet()
        try scanner.beginObject()
        while let key = try scanner.nextKey(notIn: &keys)?.string {
          if isUsed(key) { members[key] = try scanner.value() } else { try scanner.skip() }
        }
        try scanner.end()
      }
    }
    return members
  }

  /// What stands against saying the settings in GGUF; nil where nothing does.
  func obstacle(_ added: [TokenizerFile.AddedToken]) -> String? {
    let texts = Set(added.map(\.text))
    for (kind, _) in Self.kinds {
      guard let text = text(of: kind) else { continue }
      if kind == "cls" || kind == "sep" { return "tokenizer_config.json has a \(kind)_token" }
      if !texts.contains(text) { return "the \(kind)_token is not in tokenizer.json" }
    }
    let numbers = Set(added.map { String($0.id) })
    for key in settings["added_tokens_decoder"]?.object?.keys ?? [] where !numbers.contains(key) {
      return "tokenizer_config.json adds token \(key), which is not in tokenizer.json"
    }
    return template == nil || template == .null || template?.string != nil
      ? nil : "there are several chat templates"
  }

  /// The metadata, in the order of llama.cpp's converter.
  /// - Parameter addsNothing: whether the tokenizer says that no tokens are put around a text.
  func metadata(_ file: TokenizerFile, addsNothing: Bool) throws -> GGUFHeader.Metadata {
    var values: GGUFHeader.Metadata = []
    for (kind, key) in Self.kinds {
      guard let key, let id = id(of: kind, file.added) else { continue }
      values.append(("tokenizer.ggml.\(key)_token_id", try GGUFValue(.init(id), as: "u32")))
    }
    for kind in ["bos", "eos", "sep"] {
      let isSettled = addsNothing && kind != "sep"
      let flag = isSettled ? false : settings["add_\(kind)_token"] ?? .null
      guard flag.bool != nil else { continue }
      values.append(("tokenizer.ggml.add_\(kind)_token", try GGUFValue(flag, as: "bool")))
    }
    if let text = template?.string { values.append(("tokenizer.chat_template", GGUFValue(text))) }
    return values
  }

  private func text(of kind: String) -> String? {
    let entry = settings["\(kind)_token"]
    return entry?.string ?? entry?["content"]?.string
  }

  /// The number that the tokenizer gives to a special token, or else the config.
  private func id(of kind: String, _ added: [TokenizerFile.AddedToken]) -> Int? {
    let own = text(of: kind).flatMap { text in added.first { $0.text == text }?.id }
    let stated = config["\(kind)_token_id"] ?? .null
    let inner = config["text_config"]?["\(kind)_token_id"]
    return own ?? (stated.isNull ? inner : stated)?.int.flatMap { $0 >= 0 ? $0 : nil }
  }
}
