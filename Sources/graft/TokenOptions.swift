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
    guard let tokens else { return nil }
    let batch = try TokenFile.read(FilePath(tokens), asBytes: bytes)
    try batch.check(vocabulary: vocabulary, file: tokens)
    return batch
  }

  /// The prompts of the file, which must be named.
  func requiredBatch(vocabulary: Int) throws -> TokenBatch {
    guard let batch = try batch(vocabulary: vocabulary) else {
      throw ValidationError("Missing expected argument '--tokens <tokens>'")
    }
    return batch
  }
}
