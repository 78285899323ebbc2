import Containers
import Diagnostics
import Tokenizers

extension GGUFTokenizer {
  /// Reads the metadata of a GGUF file; nil where they state no tokenizer.
  /// - Throws: `Problem` of kind `invalid` where a value is missing or has another type.
  public init?(_ metadata: GGUFHeader.Metadata) throws {
    let values = StatedValues(metadata)
    guard let model = try values.read("model", as: "a string", \.text), !Self.none.contains(model)
    else { return nil }
    try self.init(
      model: model, pre: values.read("pre", as: "a string", \.text),
      tokens: values.read("tokens", as: "strings", \.texts) ?? [],
      kinds: values.read("token_type", as: "numbers of type i32", \.integers),
      merges: values.read("merges", as: "strings", \.texts) ?? [],
      begin: values.around("bos"), end: values.around("eos"))
  }

  /// What the kind of model is called where there is no tokenizer.
  private static let none: Set = ["none", "no_vocab"]
}

/// What metadata say of a tokenizer, by key.
private struct StatedValues {
  private let values: [String: GGUFValue]

  init(_ metadata: GGUFHeader.Metadata) {
    values = Dictionary(
      metadata.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
  }

  /// A value in the type that it has to have; nil where there is none.
  func read<Value>(
    _ name: String, as expected: String, _ reading: (GGUFValue) -> Value?
  ) throws -> Value? {
    let key = "tokenizer.ggml." + name
    guard let value = values[key] else { return nil }
    if let result = reading(value) { return result }
    throw Problem(
      .invalid, "metadata of the tokenizer have another type: \(key)", expected: expected,
      found: value.type.name)
  }

  /// The number of the token that is put at one end of each text; nil where none is.
  func around(_ kind: String) throws -> Int? {
    guard try read("add_\(kind)_token", as: "true or false", \.json.bool) == true else {
      return nil
    }
    if let id = try read("\(kind)_token_id", as: "a number", \.json.int) { return id }
    throw Problem(
      .invalid, "a token is put around each text, and nothing says which",
      expected: "tokenizer.ggml.\(kind)_token_id")
  }
}
