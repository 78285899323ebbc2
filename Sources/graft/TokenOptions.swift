import ArgumentParser
import SystemPackage
import Verification

/// Which tokens a command runs.
struct TokenOptions: ParsableArguments {
  @Option(
    name: .long,
    help: "Token ids: .safetensors with input_ids, .json, .txt with white space between ids.")
  var tokens: String?

  @Flag(name: .long, help: "Every byte of the token file is a token.")
  var bytes = false

  /// The prompts of the file, checked against a vocabulary; nil where no file is named.
  func batch(vocabulary: Int) throws -> TokenBatch? {
    try tokens.map { try TokenFile.batch($0, asBytes: bytes, vocabulary: vocabulary) }
  }
}

/// Which tokens a command runs that cannot do without.
struct RequiredTokenOptions: ParsableArguments {
  @Option(
    name: .long,
    help: "Token ids: .safetensors with input_ids, .json, .txt with white space between ids.")
  var tokens: String

  @Flag(name: .long, help: "Every byte of the token file is a token.")
  var bytes = false

  /// The prompts of the file, checked against a vocabulary.
  func batch(vocabulary: Int) throws -> TokenBatch {
    try TokenFile.batch(tokens, asBytes: bytes, vocabulary: vocabulary)
  }
}

extension TokenFile {
  fileprivate static func batch(_ file: String, asBytes: Bool, vocabulary: Int) throws -> TokenBatch
  {
    let batch = try read(FilePath(file), asBytes: asBytes)
    try batch.check(vocabulary: vocabulary, file: file)
    return batch
  }
}
