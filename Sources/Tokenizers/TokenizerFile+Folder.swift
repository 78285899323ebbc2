import Diagnostics
import JSON
import SystemPackage

extension TokenizerFile {
  /// Reads the tokenizer of a folder: `tokenizer.json` and the tokens that only `added_tokens.json`
  /// has, which count where `tokenizer_config.json` does not list added tokens itself.
  ///
  /// Source: `PreTrainedTokenizerBase` of transformers.
  /// - Throws: `Problem` of kind `missing`, `invalid` where a file is no strict JSON, `io`.
  public init(folder: FilePath) throws {
    self = try TokenizerFile(folder.appending("tokenizer.json"))
    let settings = try SettingsFile.members(folder.appending("tokenizer_config.json")) {
      $0 == "added_tokens_decoder" || $0.hasSuffix("_token")
    }
    guard settings["added_tokens_decoder"] == nil else { return }
    let special = try SettingsFile.members(folder.appending("special_tokens_map.json")) { _ in true
    }
    let texts = (settings.entries + special.entries).flatMap {
      Self.texts($0.value.array ?? [$0.value])
    }
    let tokens = try SettingsFile.members(folder.appending("added_tokens.json")) { _ in true }
    conflict = add(tokens, special: Set(texts))
  }

  /// Takes over tokens by their text.
  /// - Returns: why that cannot be done; nil where it was.
  private mutating func add(_ tokens: JSONObject, special: Set<String>) -> String? {
    let known = Dictionary(
      vocabulary + added.map { ($0.text, $0.id) }, uniquingKeysWith: { _, last in last })
    var next = max(vocabulary.count, (added.map(\.id).max() ?? -1) + 1)
    if let (text, value) = tokens.entries.first(where: { $0.value.int == nil }) {
      return "added_tokens.json gives \(text) the number \(value.text()), which is no integer"
    }
    let numbered = tokens.entries.map { ($0.key, $0.value.int ?? next) }.sorted { $0.1 < $1.1 }
    for (text, id) in numbered where known[text] != id {
      let own = known[text] ?? next
      guard own == id else {
        return "added_tokens.json gives \(text) the number \(id), where it gets \(own)"
      }
      let isSpecial = special.contains(text)
      added.append(
        AddedToken(
          text: text, id: id, isSpecial: isSpecial, takesSpaceBefore: false, takesSpaceAfter: false,
          isWord: false, isNormalised: !isSpecial))
      next += 1
    }
    return nil
  }

  private static func texts(_ values: [JSONValue]) -> [String] {
    values.compactMap { $0.string ?? $0["content"]?.string }
  }
}
