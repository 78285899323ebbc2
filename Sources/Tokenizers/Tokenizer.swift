import Diagnostics
import JSON
import SystemPackage

/// Turns text into token ids and back, as Hugging Face's `tokenizers` does with the same file, or llama.cpp
/// with the same metadata.
public struct Tokenizer {
  private let words: WordSplitter
  private let normalization: Normalization
  private let merging: PairMerging
  private let template: TextTemplate
  private let raw: AddedTokens
  private let normalised: AddedTokens
  private let spellings: [Int: [UInt8]]

  /// Reads the `tokenizer.json` of a folder.
  /// - Throws: `Problem` of kind `missing`, `invalid`, `io`, or `unsupported` for another kind of tokenizer.
  /// - Cost: a few hundred bytes per token.
  public init(folder: FilePath) throws {
    let path = folder.appending("tokenizer.json")
    do {
      self = try Tokenizer(TokenizerFile(folder: folder))
    } catch let problem as Problem {
      throw Self.placed(problem, in: path)
    }
  }

  private static func placed(_ problem: Problem, in path: FilePath) -> Problem {
    guard problem.kind == .missing else {
      return problem.located(.file(path.string))
        .advised("fetch the file again, or give token ids with --tokens")
    }
    return Problem(
      .missing, "there is no tokenizer beside the model", file: path.string,
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
  }

  /// Takes the tokenizer that a GGUF file states, and encodes as llama.cpp does: without normalisation, and
  /// the longest added tokens first.
  /// - Throws: `Problem` of kind `invalid`, or `unsupported` for another kind of tokenizer.
  /// - Cost: a few hundred bytes per token.
  public init(_ stated: GGUFTokenizer) throws {
    let tokens = try stated.checked()
    words = try WordSplitter(stated.pattern())
    normalization = .none
    template = TextTemplate(
      before: stated.begin.map { [$0] } ?? [], after: stated.end.map { [$0] } ?? [])
    merging = try PairMerging(tokens.map { ($0.text, $0.id) }, stated.distinctMerges)
    raw = AddedTokens(tokens.compactMap(\.added), order: .longest)
    normalised = AddedTokens([])
    spellings = Dictionary(uniqueKeysWithValues: tokens.map { ($0.id, $0.spelling) })
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
    let ids = raw.pieces(of: Substring(text)).flatMap { piece -> [Int] in
      if let id = piece.id { return [id] }
      let text = normalization.applied(to: piece.text)
      return normalised.pieces(of: Substring(text)).flatMap { piece in
        piece.id.map { [$0] } ?? plainIDs(String(piece.text))
      }
    }
    return template.before + ids + template.after
  }

  private func plainIDs(_ text: String) -> [Int] {
    words.words(of: text).flatMap { merging.ids(Array($0.utf8)) }
  }

  /// The text that tokens spell; bytes that are no UTF-8 become U+FFFD, unknown numbers nothing.
  public func text(_ ids: [Int]) -> String {
    String(decoding: ids.flatMap { spellings[$0] ?? [] }, as: UTF8.self)
  }
}
