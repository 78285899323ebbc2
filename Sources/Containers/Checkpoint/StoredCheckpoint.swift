import Diagnostics
import JSON
import SystemPackage
import Tensors

/// A checkpoint as it lies on disk: weight files, configuration and everything beside them.
public struct StoredCheckpoint: Sendable {
  /// One weight file.
  public struct Shard: Sendable {
    /// The name of the file.
    public let fileName: String
    /// What is in it.
    public let content: WeightFile

    /// The tensors, in the order of the file.
    public var tensors: [StoredTensor] { content.tensors }
  }

  /// The directory of the files.
  public let directory: FilePath
  /// The kind of the weight files.
  public let container: Container
  /// The weight files and their tensors in the order of their data.
  public internal(set) var shards: [Shard]
  /// The names of the files that hold the weights, sorted.
  public let weightFiles: [String]
  /// All tensors, file by file.
  public internal(set) var tensors: [StoredTensor]
  /// What was taken off names, a clause each; mostly empty.
  public internal(set) var takenOff: [String] = []
  /// Whether the values of packed weights stand in the place of their parts.
  public internal(set) var isUnpacked = false
  /// The parsed `config.json`, where there is one; of files that say themselves what they hold, what
  /// their metadata say.
  public internal(set) var config: JSONValue?
  /// The bytes of `config.json`, where there is one, or the text of what the metadata say.
  public internal(set) var configBytes: [UInt8]?
  /// The name of `config.json`, perhaps in a directory below; or of the file in which a trainer says what
  /// the model is.
  var configFile: String
  /// What the trainer that wrote the weights says of the model, in words of its own, and the file that
  /// says it; what its own tools read first stands in front.
  public private(set) var statements: [(file: String, config: JSONValue)] = []
  /// The names of all other regular files, sorted; weight files and index are not among them.
  public let sidecars: [String]
  /// The names of weight files and indices that are not part of this checkpoint, sorted.
  public let unread: [String]
  /// The names of the subdirectories, sorted; Graft does not look into them.
  public let subdirectories: [String]
  /// The names that are not UTF-8, spelled out; what they name is left alone.
  public let undecodable: [String]
  /// Whether an index names the weight files.
  public let hasIndex: Bool
  /// Whether no file says how large the tensors are as wholes, so that a rank all of whose files are
  /// missing shows in their shapes alone.
  public let isOfRanks: Bool
  /// The types and shapes of all tensors by name.
  public internal(set) var headers: [String: (type: ScalarType, shape: [Int])]
  var places: [String: Int]

  /// The name of the configuration.
  public static let configName = "config.json"
  /// The directory into which trainers put what is no weight, where they give it one of its own.
  private static let configFolder = "huggingface"
  private static let configLimit = 16 << 20

  /// The tensor of that name.
  public func tensor(_ name: String) -> StoredTensor? { places[name].map { tensors[$0] } }

  /// What the weight files hold besides weights.
  public var ignored: [IgnoredValue] { shards.flatMap(\.content.ignored) }

  /// Checks the bytes of the weight files where they carry checksums.
  /// - Parameter byReading: whether whoever asks goes on to read them, which takes checksums on the way, and
  ///   calls `checkRead()` when everything was read.
  /// - Throws: `Problem` of kind `invalid`, naming the file.
  /// - Cost: reads the payload of containers that have checksums.
  public func checkPayload(byReading: Bool = false) throws {
    try forEachCheck { if !byReading || !$0.isTakenByReading { try $0.check() } }
  }

  /// Completes the checksums of what was read.
  /// - Throws: `Problem` of kind `invalid`, naming the file.
  /// - Cost: reads what was not read of these bytes.
  public func checkRead() throws { try forEachCheck { try $0.checkRead() } }

  private func forEachCheck(_ body: (any PayloadCheck) throws -> Void) throws {
    for shard in shards {
      try locating(.file(path(shard.fileName).string)) {
        for check in shard.content.payloadChecks { try body(check) }
      }
    }
  }

  /// The typed metadata of the files, in order; empty where the container has none.
  public var values: GGUFHeader.Metadata { shards.first?.content.values ?? [] }

  /// The path of the file that says what the model is.
  public var configPath: FilePath {
    path(container.hasMetadata ? shards.first?.fileName ?? "" : configFile)
  }

  /// The names of the regular files in a directory, sorted; those that are not UTF-8 are not among them.
  /// - Throws: `Problem` of kind `io`.
  public static func fileNames(in directory: FilePath) throws -> [String] {
    try DirectoryListing(directory).files
  }

  /// The path of one of the files.
  public func path(_ fileName: String) -> FilePath { directory.appending(fileName) }

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
    return try StoredCheckpoint(path, listing, container, shards, own: names)
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
      path, listing, container, [shard], own: own, arrangement: weights.arrangement)
  }

  /// All pieces together are one weight file, named as the one that would be written.
  private static func openDistributed(_ listing: DirectoryListing, in path: FilePath) throws
    -> StoredCheckpoint
  {
    let pieces = try DistributedCheckpoint(path)
    let shard = Shard(fileName: Container.torch.singleName, content: pieces.content)
    let own = pieces.fileNames
    guard let megatron = pieces.megatron else {
      return try StoredCheckpoint(path, listing, .torch, [shard], own: own)
    }
    return try StoredCheckpoint(path, listing, .torch, [shard], own: own, megatron: megatron)
  }

  private static func openIndexed(
    _ container: Container, _ listing: DirectoryListing, in path: FilePath
  ) throws -> StoredCheckpoint {
    let shards = try IndexedShards(path, container, files: listing.files).shards
    let names = shards.map(\.fileName) + [container.indexName]
    return try StoredCheckpoint(path, listing, container, shards, own: names)
  }

  private init(
    _ directory: FilePath, _ listing: DirectoryListing, _ container: Container, _ shards: [Shard],
    own: [String], arrangement: WeightFiles.Arrangement? = nil, megatron: MegatronState? = nil
  ) throws {
    let weights = Set(own)
    let own = weights.union(megatron?.fileNames ?? [])
    let others = listing.files.filter { !own.contains($0) && $0 != Self.configName }
    self.directory = directory
    self.container = container
    self.shards = shards
    // The weight files and their tensors.
    hasIndex = own.contains(container.indexName)
    isOfRanks = arrangement == .hubShards
    configFile = Self.configFile(directory, listing, arrangement)
    weightFiles = weights.filter { !container.lists($0) }.sorted()
    tensors = shards.flatMap(\.tensors)
    places = try Self.places(tensors)
    headers = Self.headers(tensors)
    // Everything beside them.
    sidecars = others.filter { !Container.claims($0) }
    subdirectories = listing.directories
    undecodable = listing.undecodable
    try Self.refuse(listing.dangling, in: directory)
    let hasConfig = listing.files.contains(Self.configName)
    unread =
      others.filter(Container.claims)
      + (container.hasMetadata && hasConfig ? [Self.configName] : [])
    // The config: the metadata of the files, or a file of its own.
    if container.hasMetadata {
      let values = shards.first?.content.values ?? []
      let stored = tensors.map { ($0.name, $0.shape) }
      configBytes = GGUFConfig.text(values, stored)
      config = GGUFConfig.object(values, stored)
    } else {
      if megatron != nil, !hasConfig { configFile = Self.configAround(directory) ?? configFile }
      configBytes = try Self.readConfig(directory.appending(configFile))
      config = try Self.parse(configBytes, directory.appending(configFile))
      statements = (megatron?.statements ?? []).map { ($0.file, $0.config) }
    }
  }
}

extension StoredCheckpoint {
  private static func refuse(_ dangling: [String], in directory: FilePath) throws {
    try Problem.throwIfAny(
      dangling.compactMap { DanglingLink(directory.appending($0))?.problem })
  }

  /// The name of the config: beside the weights, or where trainers whose ranks write them put it.
  private static func configFile(
    _ directory: FilePath, _ listing: DirectoryListing, _ arrangement: WeightFiles.Arrangement?
  ) -> String {
    let below = "\(configFolder)/\(configName)"
    let isBelow =
      arrangement == .ranks && !listing.files.contains(configName)
      && listing.directories.contains(configFolder)
      && FileKind(directory.appending(below)) == .regular
    return isBelow ? below : configName
  }

  /// The config of the hub that belongs to an iteration: beside it, or in the directory that tools of
  /// Megatron give it.
  private static func configAround(_ directory: FilePath) -> String? {
    ["hf/\(configName)", "../\(configName)", "../hf/\(configName)"].first {
      FileKind(directory.appending($0)) == .regular
    }
  }

  static func readConfig(_ file: FilePath) throws -> [UInt8]? {
    guard FileKind(file) == .regular else { return nil }
    return try MappedFile.readAll(file, limit: configLimit)
  }

  static func parse(_ bytes: [UInt8]?, _ file: FilePath) throws -> JSONValue? {
    try locating(.file(file.string)) {
      try bytes.map { bytes in
        try bytes.withUnsafeBytes { raw in
          try FileNature.reading(raw, as: .json) { try JSONValue(parsing: bytes, .python) }
        }
      }
    }
  }
}
