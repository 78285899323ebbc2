import Diagnostics
import SystemPackage
import Tensors

extension StoredCheckpoint {
  /// Opens a directory, one weight file or the index of several.
  /// - Parameter iteration: which iteration of a directory of a training run; nil for the newest.
  /// - Throws: `Problem` of kind `missing` where something is not there, `invalid` where a file is
  ///   corrupt or the files contradict each other; all that are found together.
  /// - Cost: reads headers, index and configuration only.
  public static func open(_ path: FilePath, iteration: Int? = nil) throws -> StoredCheckpoint {
    try advising([
      .invalid: "fetch the file again, or make it anew with the tool that wrote it",
      .unsupported: "save the tensors in a container that docs/containers.md lists",
    ]) {
      switch FileKind(path) {
      case .absent: throw absent(path)
      case .other:
        throw Problem(
          .invalid, "not a file and not a directory", file: path.string,
          remedy: "give a directory with weights, or a weight file")
      case .directory: return try openDirectory(path, iteration)
      case .regular:
        if let iteration { throw noIterations(path, iteration) }
        return try openFile(path)
      }
    }
  }

  private static func absent(_ path: FilePath) -> Problem {
    if let link = DanglingLink(path) { return link.problem }
    let unfinished = OutputPlace.unfinished(of: path)
    let isBegun = FileKind(unfinished, followingLinks: false) == .directory
    return Problem(
      .missing, "no such file or directory", file: path.string,
      found: isBegun ? "what an unfinished run left: \(unfinished.string)" : nil,
      remedy: isBegun
        ? "run the same command again, or remove what is left"
        : "check the path; Graft downloads nothing")
  }

  private static func noIterations(_ path: FilePath, _ iteration: Int) -> Problem {
    Problem(
      .usage, "there are no iterations to choose from", file: path.string,
      expected: "the directory of a training run", found: "--iteration \(iteration)",
      remedy: "leave --iteration out")
  }

  private static func openFile(_ path: FilePath) throws -> StoredCheckpoint {
    let name = path.lastComponent?.string ?? ""
    let parent = path.removingLastComponent()
    let directory = parent.isEmpty ? "." : parent
    if name == DistributedMetadata.fileName {
      return try openDistributed(try DirectoryListing(directory), in: directory)
    }
    if let container = Container.ofFiles.first(where: { $0.indexName == name }) {
      return try openIndexed(container, try DirectoryListing(directory), in: directory)
    }
    return try openWeights(name, of: Container(of: path), in: directory)
  }

  /// One weight file, or all files of the set to which it says it belongs.
  private static func openWeights(
    _ name: String, of container: Container, in directory: FilePath
  ) throws -> StoredCheckpoint {
    var listing = try DirectoryListing(directory)
    if Container(fileExtension: FilePath.Component(name)?.extension) == nil {
      // Stores of blobs keep many models in one directory, under names that tell nothing.
      listing.keep([name, configName])
    }
    let set = container.hasMetadata ? container.family(of: name) : nil
    if let set {
      try locating(.file(directory.string)) {
        try FileSet.checkComplete(set, among: listing.files)
      }
    }
    return try openAll(set ?? [name], of: container, listing, in: directory)
  }

  private static func openDirectory(_ path: FilePath, _ iteration: Int?) throws
    -> StoredCheckpoint
  {
    let listing = try DirectoryListing(path)
    try refuse(listing.dangling, in: path)
    if let run = MegatronRun(path, listing) {
      return try openDirectory(run.path(iteration), nil)
    }
    if let iteration { throw noIterations(path, iteration) }
    if listing.files.contains(MegatronBackend.fileName) { _ = try MegatronBackend.check(path) }
    do {
      let weights = try WeightFiles(of: listing.files, directories: listing.directories)
      let container = weights.container
      switch weights.arrangement {
      case .single: return try openAll([container.singleName], of: container, listing, in: path)
      case .numbered(let names): return try openAll(names, of: container, listing, in: path)
      case .indexed: return try openIndexed(container, listing, in: path)
      case .distributed: return try openDistributed(listing, in: path)
      default: return try openParts(weights, listing, in: path)
      }
    } catch var problem as Problem {
      problem.found =
        AdapterNote.base(in: path, listing.files).map { base in
          [base, problem.found].compactMap(\.self).joined(separator: "; ")
        } ?? problem.found
      guard problem.kind == .missing, problem.others.isEmpty, !listing.undecodable.isEmpty else {
        throw problem.located(.file(path.string))
      }
      throw Problem(
        .unsupported, "names that are not UTF-8, and no weights among the others",
        file: path.string, expected: "UTF-8",
        found: listing.undecodable.prefix(8).joined(separator: ", "),
        remedy: "rename the files, or give the directory in which the weights are")
    }
  }

  private static func openAll(
    _ names: [String], of container: Container, _ listing: DirectoryListing, in path: FilePath
  ) throws -> StoredCheckpoint {
    let shards = try names.map { name in
      Shard(fileName: name, content: try container.open(path.appending(name)))
    }
    if container.hasMetadata {
      try SplitFiles.check(shards.map(\.content), names.map(path.appending))
    }
    return try StoredCheckpoint(
      path, listing, OpenedWeights(container: container, shards: shards, fileNames: names))
  }

  /// What ranks wrote, or lies in directories below, as one weight file, named as the one that would be
  /// written.
  private static func openParts(
    _ weights: WeightFiles, _ listing: DirectoryListing, in path: FilePath
  ) throws -> StoredCheckpoint {
    let container = weights.container
    let (content, own) = try weights.parts(listing.files, in: path)
    let shard = Shard(fileName: container.singleName, content: content)
    return try StoredCheckpoint(
      path, listing,
      OpenedWeights(
        container: container, shards: [shard], fileNames: own, arrangement: weights.arrangement))
  }

  /// All pieces together are one weight file, named as the one that would be written.
  private static func openDistributed(_ listing: DirectoryListing, in path: FilePath) throws
    -> StoredCheckpoint
  {
    let pieces = try DistributedCheckpoint(path)
    let shard = Shard(fileName: Container.torch.singleName, content: pieces.content)
    return try StoredCheckpoint(
      path, listing,
      OpenedWeights(
        container: .torch, shards: [shard], fileNames: pieces.fileNames, megatron: pieces.megatron))
  }

  private static func openIndexed(
    _ container: Container, _ listing: DirectoryListing, in path: FilePath
  ) throws -> StoredCheckpoint {
    let shards = try IndexedShards(path, container, files: listing.files).shards
    let names = shards.map(\.fileName) + [container.indexName]
    return try StoredCheckpoint(
      path, listing, OpenedWeights(container: container, shards: shards, fileNames: names))
  }
}

/// The weights of a checkpoint, opened, before what lies beside them is looked at.
struct OpenedWeights {
  /// The kind of the files.
  let container: Container
  /// The files, or one that stands for all.
  let shards: [StoredCheckpoint.Shard]
  /// The names of the files that hold the weights, and of the index.
  let fileNames: [String]
  /// How they lie, where that says where the config is.
  var arrangement: WeightFiles.Arrangement?
  /// What Megatron says beside the weights.
  var megatron: MegatronState?
}
