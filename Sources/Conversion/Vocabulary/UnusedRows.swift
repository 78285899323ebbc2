import Canonical
import Containers
import Diagnostics
import JSON
import Opening
import SystemPackage
import Tokenizers

/// The rows of a vocabulary that are to be cut off, and whether any of them is used.
struct UnusedRows {
  private let source: OpenedModel
  private let rows: Range<Int>

  init(_ source: OpenedModel, from first: Int) {
    self.source = source
    rows = first..<source.configuration.vocabulary
  }

  /// Refuses to cut off what a tokenizer or a config names, and, where there is no tokenizer, rows that
  /// hold different values.
  /// - Throws: `Problem` of kind `unsupported`, `invalid` where a file is not strict JSON, `io`.
  func check() throws {
    try checkNumbers()
    guard !source.checkpoint.sidecars.contains(Self.tokenizer) else { return try checkTokenizer() }
    for (role, tensor) in source.canonical.tensors.sorted(by: { $0.value.origin < $1.value.origin })
    where RoleTable.hasRowPerToken(role.name) {
      guard try tensor.repeatsRows(from: rows.lowerBound) != true else { continue }
      throw Problem(
        .unsupported, "rows would be cut off of which nothing says that they are unused",
        file: source.checkpoint.weightsPath.string, tensor: tensor.origin,
        expected: "a tokenizer.json without tokens from \(rows.lowerBound) on, or equal rows",
        found: "different values in rows \(rows.lowerBound) to \(rows.upperBound - 1)",
        remedy: "put the tokenizer of the model beside the weights, or give a larger --vocabulary")
    }
  }

  private static let tokenizer = "tokenizer.json"

  private func checkTokenizer() throws {
    let file = try TokenizerFile(folder: source.checkpoint.directory)
    let tokens = file.vocabulary + file.added.map { ($0.text, $0.id) }
    guard let last = tokens.max(by: { $0.1 < $1.1 }), last.1 >= rows.lowerBound else { return }
    throw refusal(
      source.checkpoint.path(Self.tokenizer).string, "token \(last.1), \(last.0)", last.1)
  }

  /// Token numbers of the configs, such as that of the end of a text.
  private func checkNumbers() throws {
    let files = [(source.checkpoint.configPath, source.checkpoint.config)] + generation
    for (path, config) in files {
      for (key, number) in Self.numbers(in: config) where rows.contains(number) {
        throw refusal(path.string, "\(key): \(number)", number)
      }
    }
  }

  private var generation: [(FilePath, JSONValue?)] {
    let name = "generation_config.json"
    guard source.checkpoint.sidecars.contains(name) else { return [] }
    let path = source.checkpoint.path(name)
    let config = try? SettingsFile.members(path) { $0.hasSuffix(Self.ending) }
    return [(path, config.map(JSONValue.object))]
  }

  private static let ending = "_token_id"

  private static func numbers(in config: JSONValue?) -> [(key: String, number: Int)] {
    (config?.object?.entries ?? []).flatMap { key, value in
      key.hasSuffix(ending)
        ? (value.array ?? [value]).compactMap { number in number.int.map { (key, $0) } }
        : numbers(in: value)
    }
  }

  private func refusal(_ file: String, _ found: String, _ number: Int) -> Problem {
    Problem(
      .unsupported, "a token would be cut off that is in use", file: file,
      expected: "none from \(rows.lowerBound) on", found: found,
      remedy: "give --vocabulary \(number + 1) or more, or leave it out")
  }
}
