import Diagnostics

/// Which files of a directory hold the weights of its model.
struct WeightFiles: Hashable {
  /// How the files are found.
  enum Arrangement: Hashable {
    /// One file alone.
    case single
    /// The files that an index names.
    case indexed
    /// Files `…-00001-of-0000N` to the last, without an index.
    case numbered([String])
    /// The pieces that the metadata of a distributed checkpoint names.
    case distributed
    /// The files `…_world_size_N_rank_i` of all ranks.
    case ranks
    /// The files `shard-0000R-…` of all ranks.
    case hubShards
    /// A directory of a distributed checkpoint below.
    case below(String)
    /// The directory `zero` below, with a directory for each tensor.
    case universal
    /// The file of DeepSpeed with the whole model, where only its optimizer is divided.
    case moduleStates(String)
  }

  /// The kind of the files.
  let container: Container
  /// How they are found.
  let arrangement: Arrangement

  /// Decides by the names of the files in a directory.
  ///
  /// Where there are weights in several containers, those in safetensors are the model, as in
  /// transformers.
  /// - Throws: `Problem` of kind `missing` where there are none, `invalid` where the names leave
  ///   open which are meant.
  init(of names: [String], directories: [String] = []) throws {
    if let found = try Self.divided(names) ?? Self.below(names, directories) {
      (container, arrangement) = found
      return
    }
    container = try Self.container(of: names, directories)
    if try Self.isDistributed(container, names) {
      arrangement = .distributed
      return
    }
    if names.contains(container.indexName) {
      arrangement = .indexed
      return
    }
    let weights = Self.models(of: container, among: names)
    arrangement = weights == [container.singleName] ? .single : .numbered(weights)
    if arrangement != .single { try checkFamily(weights) }
  }

  /// The weight files but for those that lie beside a model, where there are others.
  private static func models(of container: Container, among names: [String]) -> [String] {
    let weights = names.filter(container.isWeight)
    let models = weights.filter { !container.isBeside($0) }
    return models.isEmpty ? weights : models
  }

  private static func container(of names: [String], _ directories: [String]) throws -> Container {
    let families = Container.ofFiles.filter { container in
      names.contains { container.isWeight($0) || container.lists($0) }
    }
    if families.contains(.safetensors) { return .safetensors }
    guard let only = families.first else {
      throw DirectoryNature.problem(names, directories) ?? nothing(names)
    }
    guard families.count == 1 else {
      throw Problem(
        .invalid, "weights in several containers leave open which of them are the model",
        expected: "one container", found: families.map(\.rawValue).joined(separator: ", "),
        remedy: "give the path of the file or of the index")
    }
    return only
  }

  private static func isDistributed(_ container: Container, _ names: [String]) throws -> Bool {
    guard container == .torch, names.contains(DistributedMetadata.fileName) else { return false }
    let others = names.filter { container.isWeight($0) || $0 == container.indexName }
    guard others.isEmpty else {
      throw Problem(
        .invalid, "a distributed checkpoint and other weights leave open which are the model",
        expected: "\(DistributedMetadata.fileName) alone", found: others.joined(separator: ", "),
        remedy: "give the path of the file")
    }
    return true
  }

  private static func nothing(_ names: [String]) -> Problem {
    let extensions = Container.ofFiles.flatMap(\.extensions).map { "." + $0 }
    let others = names.filter { name in extensions.contains { name.hasSuffix($0) } }
    let files = Container.ofFiles.map(\.singleName).joined(separator: ", ")
    return Problem(
      .missing, "no weights in the directory", expected: "\(files) or an index",
      found: others.isEmpty
        ? "no \(extensions.joined(separator: ", ")) file" : others.joined(separator: ", "),
      remedy: others.isEmpty
        ? "give the directory in which the weights are" : "give the path of the file itself")
  }

  /// Checks that the names are `…-00001-of-0000N` to the last, and nothing else.
  private func checkFamily(_ names: [String]) throws {
    if let set = container.family(of: names[0]), Set(set).isSuperset(of: names) {
      return try FileSet.checkComplete(set, among: names)
    }
    if container.hasMetadata, names.count == 1 { return }
    throw Problem(
      .invalid, "the files leave open which of them are the model",
      expected: "\(container.singleName), \(container.isIndexed ? "an index, " : "")"
        + "or a complete set \(container.shardName(1, of: 2)) …",
      found: NameList.text(names, most: 8),
      remedy: container.isIndexed
        ? "remove stale or fetch missing files, or restore \(container.indexName)"
        : "give the path of the file itself")
  }
}
