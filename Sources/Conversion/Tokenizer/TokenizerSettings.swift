import Containers
import Diagnostics
import JSON
import Tokenizers

/// What lies beside a `tokenizer.json`: special tokens and chat templates.
struct TokenizerSettings {
  private let settings: JSONObject
  private let special: JSONObject
  private let config: JSONValue
  /// The chat templates.
  let templates: ChatTemplates

  /// The kinds of special tokens and what GGUF calls them; nil where it has no name.
  private static let kinds: [(kind: String, key: String?)] = [
    ("bos", "bos"), ("eos", "eos"), ("unk", "unknown"), ("sep", "seperator"), ("pad", "padding"),
    ("cls", nil), ("mask", "mask"),
  ]

  /// Reads the files.
  /// - Throws: `Problem` of kind `invalid` where one is not strict JSON, `io`.
  init(_ checkpoint: StoredCheckpoint, config: JSONValue) throws {
    self.config = config
    settings = try SettingsFile.members(checkpoint.path("tokenizer_config.json")) {
      $0 == "chat_template" || $0 == "added_tokens_decoder" || $0.hasSuffix("_token")
    }
    templates = try ChatTemplates(checkpoint, settings: settings["chat_template"] ?? .null)
    special =
      settings["added_tokens_decoder"] == nil
      ? try SettingsFile.members(checkpoint.path("special_tokens_map.json")) {
        $0.hasSuffix("_token")
      } : [:]
  }

  /// What stands against saying the settings in GGUF; nil where nothing does.
  func obstacle(_ added: [TokenizerFile.AddedToken]) -> String? {
    let texts = Set(added.map(\.text))
    for (kind, _) in Self.kinds {
      guard let text = text(of: kind) else { continue }
      if let other = Self.text(special["\(kind)_token"]), other != text {
        return "tokenizer_config.json and special_tokens_map.json differ in the \(kind)_token"
      }
      if kind == "cls" || kind == "sep" { return "tokenizer_config.json has a \(kind)_token" }
      if !texts.contains(text) { return "the \(kind)_token is not in tokenizer.json" }
    }
    let numbers = Set(added.map { String($0.id) })
    for key in settings["added_tokens_decoder"]?.object?.keys ?? [] where !numbers.contains(key) {
      return "tokenizer_config.json adds token \(key), which is not in tokenizer.json"
    }
    return nil
  }

  /// The numbers of special tokens alone, as the config states them.
  func numbers() throws -> GGUFHeader.Metadata {
    try Self.kinds.compactMap { kind, key in
      guard let key, let id = id(of: kind, []) else { return nil }
      return ("tokenizer.ggml.\(key)_token_id", try GGUFValue(.init(id), as: "u32"))
    }
  }

  /// The key under which metadata state a number for which configs have a key; nil for other keys.
  static func metadataKey(_ key: String) -> String? {
    kinds.first { key == "\($0.kind)_token_id" }?.key.map { "tokenizer.ggml.\($0)_token_id" }
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
    return values + templates.metadata
  }

  private func text(of kind: String) -> String? {
    Self.text(settings["\(kind)_token"]) ?? Self.text(special["\(kind)_token"])
  }

  private static func text(_ entry: JSONValue?) -> String? {
    entry?.string ?? entry?["content"]?.string
  }

  /// The number that the tokenizer gives to a special token, or else the config.
  private func id(of kind: String, _ added: [TokenizerFile.AddedToken]) -> Int? {
    let own = text(of: kind).flatMap { text in added.first { $0.text == text }?.id }
    let stated = config["\(kind)_token_id"] ?? .null
    let inner = config["text_config"]?["\(kind)_token_id"]
    return own ?? (stated.isNull ? inner : stated)?.int.flatMap { $0 >= 0 ? $0 : nil }
  }
}
