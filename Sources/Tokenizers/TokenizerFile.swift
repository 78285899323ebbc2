import Diagnostics
import JSON
import SystemPackage
import Tensors

/// A `tokenizer.json` of byte-level BPE as it is written, read in one pass.
///
/// Source: the files of Hugging Face's `tokenizers`.
public struct TokenizerFile {
  /// A token that was added to the vocabulary.
  public struct AddedToken {
    /// The text that stands for it.
    public let text: String
    /// Its number.
    public let id: Int
    /// Whether it means something else than its text.
    public let isSpecial: Bool
    /// Whether it also takes the white space before it.
    let takesSpaceBefore: Bool
    /// Whether it also takes the white space after it.
    let takesSpaceAfter: Bool
    /// Whether it is found only where no letter or digit touches it.
    let isWord: Bool
    /// Whether it is looked for in the normalised text.
    let isNormalised: Bool
  }

  /// The tokens of the model by their text.
  public private(set) var vocabulary: [(text: String, id: Int)] = []
  /// The pairs that are merged, first the ones merged first, as two texts with a space between them.
  public private(set) var merges: [String] = []
  /// The tokens beside the model.
  public internal(set) var added: [AddedToken] = []
  /// The options of the model by name.
  public private(set) var model = JSONObject()
  /// The other parts by name: `normalizer`, `pre_tokenizer`, `post_processor`, `decoder`.
  public private(set) var parts = JSONObject()
  /// What keeps the file from being byte-level BPE at all; nil where nothing does.
  public private(set) var obstacle: String?
  /// What files beside it say otherwise; nil where nothing does.
  public internal(set) var conflict: String?

  /// The largest file that is read.
  /// - Units: bytes.
  private static let limit = 256 << 20

  /// Reads a file.
  /// - Throws: `Problem` of kind `invalid` where it is no strict JSON, `io`.
  /// - Cost: the file, and a few hundred bytes per token.
  public init(_ path: FilePath) throws {
    let bytes = try MappedFile.readAll(path, limit: Self.limit)
    self = try locating(.file(path.string)) {
      try bytes.withUnsafeBytes { bytes in
        try FileNature.reading(bytes, as: .json) { try TokenizerFile(parsing: bytes) }
      }
    }
  }

  /// Reads the bytes of a file.
  /// - Throws: `Problem` of kind `invalid` where they are no strict JSON.
  init(parsing bytes: UnsafeRawBufferPointer) throws {
    var scanner = JSONScanner(bytes)
    var keys = JSONKeySet()
    try scanner.beginObject()
    while let key = try scanner.nextKey(notIn: &keys)?.string {
      switch key {
      case "model": try readModel(&scanner)
      case "added_tokens": try readAdded(scanner.value())
      case "normalizer", "pre_tokenizer", "post_processor", "decoder":
        parts[key] = try scanner.value()
      default: try scanner.skip()
      }
    }
    try scanner.end()
    if model["type"] != "BPE" {
      obstacle = "model type \((model["type"] ?? .null).text(indent: 0))"
    }
  }

  private mutating func readModel(_ scanner: inout JSONScanner) throws {
    var keys = JSONKeySet()
    try scanner.beginObject()
    while let key = try scanner.nextKey(notIn: &keys)?.string {
      let kind = try scanner.nextKind()
      switch (key, kind) {
      case ("vocab", .object): try readVocabulary(&scanner)
      case ("merges", .array): try readMerges(&scanner)
      case ("vocab", _), ("merges", _): try scanner.skip()
      default: model[key] = try scanner.value()
      }
    }
  }

  private mutating func readVocabulary(_ scanner: inout JSONScanner) throws {
    var keys = JSONKeySet()
    try scanner.beginObject()
    while let key = try scanner.nextKey(notIn: &keys) {
      vocabulary.append((key.string, Int(clamping: try scanner.unsigned())))
    }
  }

  private mutating func readMerges(_ scanner: inout JSONScanner) throws {
    try scanner.beginArray()
    while try scanner.nextElement() {
      if try scanner.nextKind() == .string {
        merges.append(try scanner.text().string)
        continue
      }
      var pair: [String] = []
      try scanner.beginArray()
      while try scanner.nextElement() { pair.append(try scanner.text().string) }
      let isPlain = pair.count == 2 && !pair.contains { $0.utf8.contains(0x20) }
      if !isPlain { obstacle = obstacle ?? "a merge that is no pair of texts without spaces" }
      merges.append(pair.joined(separator: " "))
    }
  }

  private mutating func readAdded(_ value: JSONValue) throws {
    for token in value.array ?? [] {
      guard let text = token["content"]?.string, let id = token["id"]?.int, id >= 0 else {
        throw Problem(
          .invalid, "an added token without text or number", found: token.text(indent: 0))
      }
      let isSpecial = token["special"]?.bool ?? false
      added.append(
        AddedToken(
          text: text, id: id, isSpecial: isSpecial,
          takesSpaceBefore: token["lstrip"]?.bool ?? false,
          takesSpaceAfter: token["rstrip"]?.bool ?? false,
          isWord: token["single_word"]?.bool ?? false,
          isNormalised: token["normalized"]?.bool ?? !isSpecial))
    }
  }
}
