import Containers
import JSON
import SystemPackage
import Tensors
import Tokenizers

/// The chat templates beside a tokenizer, by name.
///
/// Files count more than `tokenizer_config.json`, as in transformers; `chat_template.json`, which
/// processors have, counts where nothing else says anything.
struct ChatTemplates {
  /// The names and texts; the one that is taken unless another is asked for is called `default`.
  private var templates: [(name: String, text: String)] = []
  /// What is not among them.
  private(set) var dropped: [LeftOut] = []

  private static let main = "default"
  private static let folder = "additional_chat_templates"
  private static let suffix = ".jinja"
  private static let limit = 16 << 20

  /// Reads the files.
  /// - Parameter settings: what `tokenizer_config.json` has, null for nothing.
  /// - Throws: `Problem` of kind `invalid` where one is not strict JSON or too large, `io`.
  init(_ checkpoint: StoredCheckpoint, settings: JSONValue) throws {
    if checkpoint.sidecars.contains("chat_template.jinja") {
      try read(checkpoint.path("chat_template.jinja"), as: Self.main)
    }
    if checkpoint.subdirectories.contains(Self.folder) {
      let folder = checkpoint.path(Self.folder)
      for name in try StoredCheckpoint.fileNames(in: folder) where name.hasSuffix(Self.suffix) {
        try read(folder.appending(name), as: String(name.dropLast(Self.suffix.count)))
      }
    }
    take(settings, from: "tokenizer_config.json")
    let processor = try SettingsFile.members(checkpoint.path("chat_template.json")) {
      $0 == "chat_template"
    }
    take(processor["chat_template"] ?? .null, from: "chat_template.json")
  }

  private mutating func read(_ path: FilePath, as name: String) throws {
    let bytes = try MappedFile.readAll(path, limit: Self.limit)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      dropped.append(
        LeftOut(.file, path.lastComponent?.string ?? name, "chat template that is not UTF-8"))
      return
    }
    templates.append((name, text))
  }

  /// Takes a text, a list of names and texts, or texts by name, unless there are templates already.
  private mutating func take(_ value: JSONValue, from file: String) {
    guard !value.isNull else { return }
    let found: [(name: String?, text: String?)] =
      value.array?.map { ($0["name"]?.string, $0["template"]?.string) }
      ?? value.object?.entries.map { ($0.key, $0.value.string) } ?? [(Self.main, value.string)]
    let whole = found.compactMap { name, text in
      name.flatMap { name in text.map { (name: name, text: $0) } }
    }
    if whole.count < found.count {
      dropped.append(
        LeftOut(.key, "\(file): chat_template", "chat template without a name or a text"))
    }
    let isNew = templates.isEmpty
    if isNew { templates = whole }
    if !isNew, whole.contains(where: { one in !templates.contains { $0 == one } }) {
      dropped.append(LeftOut(.key, "\(file): chat_template", "another file has chat templates"))
    }
  }

  /// The metadata as llama.cpp's converter names and orders them.
  var metadata: GGUFHeader.Metadata {
    let others = named.map { ("tokenizer.chat_template.\($0.key)", GGUFValue($0.text)) }
    let list =
      named.isEmpty ? [] : [("tokenizer.chat_templates", GGUFValue(named.map(\.key)))]
    let first = templates.first { $0.name == Self.main }.map {
      [("tokenizer.chat_template", GGUFValue($0.text))]
    }
    return others + list + (first ?? [])
  }

  /// The templates under names of their own, each key once.
  private var named: [(key: String, text: String)] {
    keyed.filter(\.isNew).map { ($0.key, $0.text) }
  }

  /// What GGUF has no name for.
  var nameless: [LeftOut] {
    keyed.filter { !$0.isNew }.map {
      LeftOut(.value, "chat template \($0.name)", "GGUF has no other name for it")
    }
  }

  /// All but the default, with the key of each and whether no other has taken it.
  private var keyed: [(name: String, key: String, text: String, isNew: Bool)] {
    var keys: Set<String> = []
    return templates.filter { $0.name != Self.main }.map { name, text in
      let key = Self.key(name)
      return (name, key, text, !key.isEmpty && keys.insert(key).inserted)
    }
  }

  /// A name with an underscore in place of everything but ASCII letters and digits.
  private static func key(_ name: String) -> String {
    String(
      name.unicodeScalars.map { scalar -> Character in
        let isPlain =
          scalar.isASCII && (scalar.properties.isAlphabetic || (48...57).contains(scalar.value))
        return isPlain ? Character(scalar) : "_"
      })
  }
}
