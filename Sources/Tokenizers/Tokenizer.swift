import Diagnostics
import JSON
import SystemPackage

/// Turns text into token ids and back, as Hugging Face's `tokenizers` and `tiktoken` do with the same files, or
/// llama.cpp with the same metadata.
public struct Tokenizer {
  private let words: WordSplitter
  private let normalization: Normalization
  private let merging: PairMerging
  private let template: TextTemplate
  private let raw: AddedTokens
  private let normalised: AddedTokens
  private let spellings: [Int: [UInt8]]
  /// Whether long texts are taken in portions.
  private let takesPortions: Bool

  /// Reads the tokenizer of a folder: `tokenizer.json`, or else the `tiktoken.model` of Kimi.
  /// - Throws: `Problem` of kind `missing`, `invalid`, `io`, or `unsupported` for another kind of tokenizer.
  /// - Cost: a few hundred bytes per token.
  public init(folder: FilePath) throws {
    do {
      self = try Self.reading(folder)
    } catch let problem as Problem {
      throw Self.placed(problem, in: folder.appending("tokenizer.json"))
    }
  }

  private static func reading(_ folder: FilePath) throws -> Tokenizer {
    do { return try Tokenizer(TokenizerFile(folder: folder)) } catch let problem as Problem
      where problem.kind == .missing
    { return try Tokenizer(KimiTokenizer(folder: folder)) }
  }

  private static func placed(_ problem: Problem, in path: FilePath) -> Problem {
    guard problem.kind == .missing else {
      return problem.located(.file(path.string))
        .advised("fetch the file again, or give token ids with --tokens")
    }
    return Problem(
      .missing, "there is no tokenizer beside the model", file: path.string,
      expected: "tokenizer.json, or \(KimiTokenizer.fileName) with its settings",
      remedy: "give token ids with --tokens")
  }

  init(_ file: TokenizerFile) throws {
    try Self.check(file)
    words = try WordSplitter(file.parts["pre_tokenizer"] ?? .null)
    normalization = try Normalization(file.parts["normalizer"] ?? .null)
    template = try TextTemplate(file.parts["post_processor"] ?? .null)
    merging = try PairMerging(file)
    raw = AddedTokens(file.added.filter { !$0.isNormalised }) { $0 }
    normalised = AddedTokens(file.added.filter(\.isNormalised), spelling: normalization.applied)
    let tokens = file.vocabulary + file.added.map { ($0.text, $0.id) }
    spellings = Dictionary(
      tokens.map { ($0.1, ByteLetters.bytes(of: $0.0) ?? Array($0.0.utf8)) },
      uniquingKeysWith: { _, last in last })
    takesPortions = false
  }

  /// Encodes as the program does that comes with the models.
  /// - Throws: `Problem` of kind `invalid` where a byte has no token.
  init(_ kimi: KimiTokenizer) throws {
    words = try WordSplitter(known: KimiWords.expression)
    normalization = .none
    template = TextTemplate(before: [], after: [])
    merging = try PairMerging(ranked: kimi.tokens)
    raw = AddedTokens(kimi.special)
    normalised = AddedTokens([])
    let special = kimi.special.map { ($0.id, Array($0.text.utf8)) }
    spellings = Dictionary(
      uniqueKeysWithValues: kimi.tokens.enumerated().map { ($0, $1) } + special)
    takesPortions = true
  }

  /// Takes the tokenizer that a GGUF file states, and encodes as llama.cpp does: without normalisation, and
  /// the longest added tokens first.
  /// - Throws: `Problem` of kind `invalid`, or `unsupported` for another kind of tokenizer.
  /// - Cost: a few hundred bytes per token.
  public init(_ stated: GGUFTokenizer) throws {
    let tokens = try stated.checked()
    words = try WordSplitter(known: stated.pattern().expression)
    normalization = .none
    template = TextTemplate(
      before: stated.begin.map { [$0] } ?? [], after: stated.end.map { [$0] } ?? [])
    merging = try PairMerging(tokens.map { ($0.text, $0.id) }, stated.distinctMerges)
    raw = AddedTokens(tokens.compactMap(\.added), order: .longest)
    normalised = AddedTokens([])
    spellings = Dictionary(uniqueKeysWithValues: tokens.map { ($0.id, $0.spelling) })
    takesPortions = false
  }

  private static func check(_ file: TokenizerFile) throws {
    if let conflict = file.conflict { throw TokenizerObstacle.conflict(conflict) }
    if let obstacle = file.obstacle { throw TokenizerObstacle.problem(obstacle, .null) }
    let decoder = file.parts["decoder"] ?? .null
    guard decoder["type"] == "ByteLevel" else {
      throw TokenizerObstacle.problem("decoder", decoder)
    }
    for key in ["dropout", "continuing_subword_prefix", "end_of_word_suffix"] {
      let value = file.model[key] ?? .null
      guard value.isNull || value == "" else { throw TokenizerObstacle.problem(key, value) }
    }
  }

  /// The tokens of a text, with those that the tokenizer puts around it.
  /// - Cost: about a second for a megabyte.
  public func ids(_ text: String) -> [Int] {
    let portions = takesPortions ? TextPortions.of(text) : [text[...]]
    return template.before + portions.flatMap(ids(ofPortion:)) + template.after
  }

  private func ids(ofPortion text: Substring) -> [Int] {
    raw.pieces(of: text).flatMap { piece -> [Int] in
      if let id = piece.id { return [id] }
      let text = normalization.applied(to: piece.text)
      return normalised.pieces(of: Substring(text)).flatMap { piece in
        piece.id.map { [$0] } ?? plainIDs(String(piece.text))
      }
    }
  }

  private func plainIDs(_ text: String) -> [Int] {
    words.words(of: text).flatMap { merging.ids(Array($0.utf8)) }
  }

  /// The text that tokens spell; bytes that are no UTF-8 become U+FFFD, unknown numbers nothing.
  public func text(_ ids: [Int]) -> String {
    String(decoding: ids.flatMap { spellings[$0] ?? [] }, as: UTF8.self)
  }
}
