import Diagnostics
import JSON
import SystemPackage
import Tensors

/// The tokenizer of Kimi's models: `tiktoken.model`, special tokens in `tokenizer_config.json`, and a program
/// that says how text is cut into words.
///
/// The program is not run. Where it lies beside the model, it must hold the words and numbers that Graft knows.
///
/// Source: `tokenization_kimi.py` of the models.
struct KimiTokenizer {
  /// The tokens by rank.
  let tokens: [[UInt8]]
  /// The tokens that stand for no text, which come behind the others.
  let special: [TokenizerFile.AddedToken]

  /// The name of the file with the tokens.
  static let fileName = "tiktoken.model"
  private static let configName = "tokenizer_config.json"
  private static let className = "TikTokenTokenizer"
  private static let usualModule = "tokenization_kimi"

  /// The numbers that are kept for special tokens: 256, and two for the ends of a text.
  private static let reserved = 258
  /// How the program says so.
  private static let reservedText = "num_reserved_special_tokens = 256"
  /// The largest program that is looked at.
  /// - Units: bytes.
  private static let programLimit = 1 << 20

  /// Reads the files of a folder.
  /// - Throws: `Problem` of kind `missing`, `io`, `invalid` where a file has another form, `unsupported` where they
  ///   are of another tokenizer.
  init(folder: FilePath) throws {
    tokens = try RankedTokens(folder.appending(Self.fileName)).tokens
    let path = folder.appending(Self.configName)
    let config = try SettingsFile.members(path) {
      ["added_tokens_decoder", "tokenizer_class", "auto_map"].contains($0)
    }
    let first = tokens.count
    special = try locating(.file(path.string)) { try Self.special(config, from: first) }
    try Self.checkPrograms(config["auto_map"], in: folder)
  }

  /// The special tokens, by the names that a config gives them; those without have one of their number.
  private static func special(
    _ config: JSONObject, from first: Int
  ) throws -> [TokenizerFile.AddedToken] {
    guard config["tokenizer_class"]?.string == className else {
      throw TokenizerObstacle.problem("tokenizer_class", config["tokenizer_class"] ?? .null)
    }
    let numbers = first..<first + reserved
    var texts: [Int: String] = [:]
    for (key, token) in config["added_tokens_decoder"]?.object?.entries ?? [] {
      guard let id = Int(key), numbers.contains(id), let text = token["content"]?.string else {
        throw Problem(
          .invalid, "a special token without text, or with the number of another token",
          expected: "content, and a number from \(first) to \(numbers.upperBound - 1)",
          found: "\(key): \(token.text(indent: 0).prefix(60))")
      }
      texts[id] = text
    }
    try checkTexts(texts)
    return numbers.map { id in
      TokenizerFile.AddedToken(
        text: texts[id] ?? "<|reserved_token_\(id)|>", id: id, isSpecial: true,
        takesSpaceBefore: false, takesSpaceAfter: false, isWord: false, isNormalised: false)
    }
  }

  private static func checkTexts(_ texts: [Int: String]) throws {
    guard !texts.isEmpty else {
      throw Problem(
        .invalid, "the names of the special tokens are not there", expected: "added_tokens_decoder")
    }
    let counts = Dictionary(texts.values.map { ($0, 1) }, uniquingKeysWith: +)
    guard let twice = counts.filter({ $0.value > 1 }).keys.min() else { return }
    throw Problem(
      .invalid, "two tokens have one text", found: JSONValue.string(twice).text(indent: 0))
  }

  /// Refuses a program that cuts words in another way.
  private static func checkPrograms(_ map: JSONValue?, in folder: FilePath) throws {
    for module in modules(map) {
      let path = folder.appending(module + ".py")
      let bytes: [UInt8]
      do { bytes = try MappedFile.readAll(path, limit: programLimit) } catch let problem as Problem
        where problem.kind == .missing
      { continue }
      let program = String(decoding: bytes, as: UTF8.self)
      let missing = (KimiWords.alternatives + [reservedText]).first { !program.contains($0) }
      guard let missing else { continue }
      throw Problem(
        .unsupported, "the program of the tokenizer is not the one that Graft knows",
        file: path.string, expected: missing, found: "a program without it",
        remedy: "give token ids with --tokens")
    }
  }

  /// The names of programs that a config names as that of the tokenizer, or the usual one.
  private static func modules(_ map: JSONValue?) -> [String] {
    let named = map?["AutoTokenizer"]?.array ?? map?["AutoTokenizer"].map { [$0] } ?? []
    let modules = named.compactMap { $0.string?.split(separator: ".").first.map(String.init) }
    let plain = modules.filter { name in
      name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
    }
    return plain.isEmpty ? [usualModule] : plain
  }
}
