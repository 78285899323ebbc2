import ArgumentParser
import Conversion
import Diagnostics
import Opening
import Platform
import SystemPackage
import Tensors
import Tokenizers
import Verification

/// A file of token ids.
struct TokenFileOptions: CheckedOptions {
  @Option(
    name: .long,
    help: "Token ids: .safetensors with input_ids, .json, .txt with white space between ids.",
    completion: .file())
  var tokens: String?

  @Flag(name: .long, help: "Every byte of the token file is a token.")
  var bytes = false

  func checkOptions() throws {
    guard tokens != nil || !bytes else { throw ValidationError("--bytes needs --tokens FILE.") }
  }

  /// The prompts of the file, checked against the model's vocabulary; nil where no file is named.
  func batch(for model: OpenedModel) throws -> TokenBatch? {
    try tokens.map { file in
      let batch = try TokenFile.read(FilePath(file), asBytes: bytes)
      try batch.check(vocabulary: model.configuration.vocabulary, file: file)
      return batch
    }
  }
}

/// Which tokens a command runs.
struct TokenOptions: CheckedOptions {
  @OptionGroup var file: TokenFileOptions

  @Option(
    help: "A text, cut into tokens by the tokenizer of the model.")
  var text: String?
  @Option(
    name: .customLong("text-file"), help: "A file with such a text.",
    completion: .file())
  var textFile: String?

  func checkOptions() throws {
    guard [file.tokens, text, textFile].count(where: { $0 != nil }) < 2 else {
      throw ValidationError("Give one of --tokens, --text and --text-file.")
    }
  }

  /// The file that tokens come from; nil for a text on the command line.
  var origin: String? { textFile ?? file.tokens }

  /// Whether tokens are named.
  var areGiven: Bool { isText || file.tokens != nil }

  /// Whether a text is named, not token ids.
  var isText: Bool { text != nil || textFile != nil }

  /// The prompts, checked against the model's vocabulary; nil where none are named.
  /// - Throws: `Problem` of kind `usage` for a text that is the name of a file, unless that is meant.
  func batch(for model: OpenedModel, mayNameFile: Bool = false) throws -> TokenBatch? {
    if let text {
      if !mayNameFile { try TextFile.requireText(text) }
      return try model.tokens(of: text, by: model.tokenizer(), origin: nil)
    }
    guard let textFile else { return try file.batch(for: model) }
    return try model.tokens(of: TextFile.read(textFile), by: model.tokenizer(), origin: textFile)
  }
}

/// Which tokens a command runs that cannot do without.
struct RequiredTokenOptions: CheckedOptions {
  @OptionGroup var options: TokenOptions

  func checkOptions() throws {
    guard options.areGiven else {
      throw ValidationError("Give --tokens FILE, --text TEXT or --text-file FILE.")
    }
  }

  /// The prompts, checked against the model's vocabulary.
  func batch(for model: OpenedModel, mayNameFile: Bool = false) throws -> TokenBatch {
    try options.batch(for: model, mayNameFile: mayNameFile) ?? TokenBatch(rows: [])
  }
}

extension OpenedModel {
  /// The tokenizer beside the weights, or else the one that the weight file states.
  /// - Throws: `Problem` where there is none that Graft reads.
  func tokenizer() throws -> Tokenizer {
    let isBeside = checkpoint.sidecars.contains("tokenizer.json")
    let stated = try locating(
      .file(checkpoint.configPath.string), advising: "give token ids with --tokens"
    ) { isBeside ? nil : try GGUFTokenizer(checkpoint.values).map(Tokenizer.init) }
    return try stated ?? Tokenizer(folder: checkpoint.directory)
  }

  /// A text as one prompt, checked against the vocabulary.
  func tokens(of text: String, by tokenizer: Tokenizer, origin: String?) throws -> TokenBatch {
    let batch = TokenBatch(rows: [tokenizer.ids(text)])
    try batch.check(vocabulary: configuration.vocabulary, file: origin)
    return batch
  }
}

/// A file of text.
enum TextFile {
  /// The largest file that is read.
  /// - Units: bytes.
  private static let limit = 1 << 30

  /// Refuses a text that is the name of a file, which `--text` once took.
  /// - Throws: `Problem` of kind `usage`.
  static func requireText(_ text: String) throws {
    var status = stat()
    guard stat(text, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return }
    throw Problem(
      .usage, "--text takes the text itself, and this is the name of a file", found: text,
      remedy: "give it as --text-file")
  }

  /// The text of a file.
  /// - Throws: `Problem` of kind `missing`, `io`, or `invalid` where it is not UTF-8.
  static func read(_ file: String) throws -> String {
    let bytes = try MappedFile.readAll(FilePath(file), limit: limit)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Problem(
        .invalid, "the text is not UTF-8", file: file, remedy: "convert it, or give token ids")
    }
    return text
  }
}
