import Containers
import Diagnostics
import JSON
import SystemPackage
import Tokenizers

/// The tokenizer of a Hugging Face checkpoint as metadata of a GGUF file, as llama.cpp's converter
/// writes it.
struct TokenizerMetadata {
  /// The metadata; where the tokenizer cannot be expressed, only the statement that there is none.
  private(set) var values: GGUFHeader.Metadata = [(Self.modelKey, GGUFValue("none"))]
  /// Why there is no tokenizer; nil where there is one.
  private(set) var obstacle: String?
  /// What the files say and the metadata do not.
  private(set) var dropped: [LeftOut] = []

  private static let modelKey = "tokenizer.ggml.model"

  /// Reads the tokenizer that lies beside the weights.
  /// - Parameter size: the number of tokens of the model.
  /// - Throws: `Problem` of kind `invalid` where a file is not strict JSON, `io`.
  /// - Cost: reads the files; a few hundred bytes per token.
  init(_ checkpoint: StoredCheckpoint, size: Int, config: JSONValue) throws {
    // The numbers of special tokens are stated by the config and need no tokenizer.
    let settings = try TokenizerSettings(checkpoint, config: config)
    values += try settings.numbers()
    guard checkpoint.sidecars.contains("tokenizer.json") else {
      obstacle = "there is no tokenizer.json"
      return
    }
    // What keeps the tokenizer out: its files, its tokens, its way of cutting words, its special tokens.
    let file = try TokenizerFile(folder: checkpoint.directory)
    if let conflict = file.conflict {
      obstacle = conflict
      return
    }
    guard let tokens = Tokens(file, size: size) else {
      obstacle = "the tokenizer has tokens beyond the \(size) of the model, or two of one number"
      return
    }
    let limits = TokenizerLimits(file)
    guard let word = limits.pattern.flatMap(WordPattern.name), limits.obstacle == nil else {
      obstacle =
        "llama.cpp has no words for " + (limits.obstacle ?? "how tokenizer.json cuts words")
      return
    }
    if let found = settings.obstacle(file.added) {
      obstacle = found
      return
    }
    // Everything can be expressed: vocabulary and merges, then settings and chat templates.
    values =
      try [
        (Self.modelKey, GGUFValue(GGUFTokenizer.byteLevel)),
        ("tokenizer.ggml.pre", GGUFValue(word)),
        ("tokenizer.ggml.tokens", GGUFValue(tokens.texts)),
        (
          "tokenizer.ggml.token_type",
          GGUFValue(.array(tokens.kinds.map { JSONValue($0.rawValue) }), as: "[i32]")
        ),
      ] + (file.merges.isEmpty ? [] : [("tokenizer.ggml.merges", GGUFValue(file.merges))])
    values += try settings.metadata(file, addsNothing: limits.addsNothing)
    dropped = settings.templates.dropped + settings.templates.nameless
  }
}

/// The tokens of a vocabulary by number.
private struct Tokens {
  private(set) var texts: [String] = []
  private(set) var kinds: [GGUFTokenKind] = []

  /// Puts tokens in order; numbers without a token are said to be unused.
  init?(_ file: TokenizerFile, size: Int) {
    var found: [Int: String] = [:]
    for (text, id) in file.vocabulary + file.added.map({ ($0.text, $0.id) }) {
      guard id < size, found[id] == nil || found[id] == text else { return nil }
      found[id] = text
    }
    let added = Dictionary(file.added.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    for id in 0..<size {
      let text = found[id] ?? "[PAD\(id)]"
      let kind = added[id].map(Self.kind) ?? (found[id] == nil ? .unused : .normal)
      let spaced = text.split(separator: "\u{2581}", omittingEmptySubsequences: false)
      texts.append(kind == .userDefined ? spaced.joined(separator: " ") : text)
      kinds.append(kind)
    }
  }

  /// An added token is a control token where it is marked as special or looks like one.
  private static func kind(_ token: TokenizerFile.AddedToken) -> GGUFTokenKind {
    let text = token.text
    let looksSpecial =
      ["<pad>", "<mask>", "<2mass>", "[@BOS@]"].contains(text)
      || [("<|", "|>"), ("<\u{ff5c}", "\u{ff5c}>"), ("<unused", ">")].contains {
        text.hasPrefix($0.0) && text.hasSuffix($0.1)
      }
    return token.isSpecial || looksSpecial ? .control : .userDefined
  }
}
