import Diagnostics

/// Which files of a directory hold the weights of its model.
enum WeightFiles: Hashable {
  /// `model.safetensors` alone.
  case single
  /// The files that an index names.
  case indexed
  /// Files `model-00001-of-0000N` to the last, without an index.
  case numbered([String])

  /// Names that hold weights of the model unless an index says otherwise.
  static func isWeight(_ name: String) -> Bool {
    name.hasPrefix("model") && name.hasSuffix(".safetensors")
  }

  /// Decides by the names in a directory.
  /// - Throws: `Problem` of kind `missing` where there are none, `invalid` where the names leave
  ///   open which are meant.
  init(of names: [String]) throws {
    if names.contains(ShardIndex.fileName) {
      self = .indexed
      return
    }
    let weights = names.filter(Self.isWeight)
    if weights.isEmpty { throw Self.nothing(names) }
    if weights == [ShardPlan.singleName] {
      self = .single
    } else {
      self = .numbered(weights)
      try Self.checkFamily(weights)
    }
  }

  private static func nothing(_ names: [String]) -> Problem {
    let others = names.filter { $0.hasSuffix(".safetensors") }
    return Problem(
      .missing, "no weights in the directory",
      expected: "\(ShardPlan.singleName) or \(ShardIndex.fileName)",
      found: others.isEmpty ? "no .safetensors file" : others.joined(separator: ", "),
      remedy: others.isEmpty ? nil : "give the path of the file itself")
  }

  /// Checks that the names are `model-00001-of-0000N` to the last, and nothing else.
  private static func checkFamily(_ names: [String]) throws {
    let family = (1...names.count).map { ShardPlan.shardName($0, of: names.count) }
    guard names != family else { return }
    let shown = names.count > 8 ? names.prefix(8) + ["… (\(names.count) files)"] : names[...]
    throw Problem(
      .invalid, "the files leave open which of them are the model",
      expected: "\(ShardPlan.singleName), an index, or a complete set \(family[0]) …",
      found: shown.joined(separator: ", "),
      remedy: "remove stale or fetch missing files, or restore \(ShardIndex.fileName)")
  }
}
