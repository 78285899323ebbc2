import Diagnostics
import JSON
import SystemPackage
import Tensors

/// A `tokenizer.json` of byte-level BPE, read in one pass.
struct TokenizerFile {
  /// A token that was added to the vocabulary.
  struct AddedToken {
    let text: String
    let id: Int
    let isSpecial: Bool
  }

  /// The tokens of the model by their text.
  private(set) var vocabulary: [(text: String, id: Int)] = []
  /// The pairs that are merged, first the ones merged first, as two texts with a space between them.
  private(set) var merges: [String] = []
  /// The tokens beside the model.
  private(set) var added: [AddedToken] = []
  /// The expression that cuts text into words; nil where it is not cut by one expression.
  private(set) var pattern: String?
  /// Whether it says that no special tokens are put around a text.
  private(set) var addsNothing = false
  /// Why the file cannot be said in GGUF; nil where it can.
  private(set) var obstacle: String?

  /// The largest file that is read.
  /// - Units: bytes.
  private static let limit = 256 << 20

  /// Reads a file.
  /// - Throws: `Problem` of kind `invalid` where it is no strict JSON, `io`.
  init(_ path: FilePath) throws {
    let bytes = try MappedFile.readAll(path, limit: Self.limit)
    try Problem.placing({ $0.inFile(path.string) }) {
      try bytes.withUnsafeBytes { try read($0) }
    }
  }

  private mutating func read(_ bytes: UnsafeRawBufferPointer) throws {
    var scanner = JSONScanner(bytes)
    var keys = JSONKeySet()
    try scanner.beginObject()
    while let key = try scanner.nextKey(notIn: &keys) {
      switch key.string {
      case "model": try readModel(&scanner)
      case "added_tokens": try readAdded(scanner.value())
      case "pre_tokenizer": readWords(try scanner.value())
      case "post_processor":
        let value = try scanner.value()
        addsNothing = Self.isByteLevel(value)
        let isPlain = value.isNull || Self.isPlainTemplate(value)
        require(addsNothing || isPlain, "post_processor", value)
      case "decoder":
        let value = try scanner.value()
        require(Self.isByteLevel(value), "decoder", value)
      case "normalizer":
        let value = try scanner.value()
        require(value.isNull || value["type"] == "NFC", "normalizer", value)
      default: try scanner.skip()
      }
    }
    try scanner.end()
  }

  private mutating func readModel(_ scanner: inout JSONScanner) throws {
    var keys = JSONKeySet()
    try scanner.beginObject()
    while let key = try scanner.nextKey(notIn: &keys) {
      switch key.string {
      case "vocab": try readVocabulary(&scanner)
      case "merges": try readMerges(&scanner)
      case "type":
        let value = try scanner.value()
        require(value == "BPE", "model type", value)
      case "byte_fallback", "ignore_merges", "fuse_unk", "dropout", "unk_token",
        "continuing_subword_prefix", "end_of_word_suffix":
        let value = try scanner.value()
        require(value.isNull || value == false || value == "", key.string, value)
      default: try scanner.skip()
      }
    }
  }

  private mutating func readVocabulary(_ scanner: inout JSONScanner) throws {
    guard try scanner.nextKind() == .object else { return try skip("vocab", &scanner) }
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
      guard let text = token["content"]?.string, let id = token["id"]?.int else {
        throw Problem(
          .invalid, "an added token without text or number", found: token.text(indent: 0))
      }
      added.append(AddedToken(text: text, id: id, isSpecial: token["special"]?.bool ?? false))
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

  private mutating func skip(_ what: String, _ scanner: inout JSONScanner) throws {
    require(false, what, try scanner.value())
  }

  private mutating func require(_ condition: Bool, _ what: String, _ found: JSONValue) {
    guard !condition, obstacle == nil else { return }
    obstacle = "\(what) \(found["type"]?.text(indent: 0) ?? found.text(indent: 0))"
  }

  /// Whether a template puts nothing around texts.
  private static func isPlainTemplate(_ value: JSONValue) -> Bool {
    let parts = [value["single"], value["pair"]].flatMap { $0?.array ?? [] }
    return value["type"] == "TemplateProcessing" && parts.allSatisfy { $0["Sequence"] != nil }
  }

  private static func isByteLevel(_ value: JSONValue) -> Bool { value["type"] == "ByteLevel" }
}
