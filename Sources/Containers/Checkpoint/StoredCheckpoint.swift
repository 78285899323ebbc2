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
  /// The types and shapes of all tensors, each in the place of its tensor.
  public internal(set) var headers: StoredHeaders

  /// The name of the configuration.
  public static let configName = "config.json"
  /// The directory into which trainers put what is no weight, where they give it one of its own.
  static let configFolder = "huggingface"
  static let configLimit = 16 << 20

  /// The tensor of that name.
  public func tensor(_ name: String) -> StoredTensor? {
    headers.place(of: name).map { tensors[$0] }
  }

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

  init(_ directory: FilePath, _ listing: DirectoryListing, _ opened: OpenedWeights) throws {
    let (container, megatron) = (opened.container, opened.megatron)
    let weights = Set(opened.fileNames)
    let own = weights.union(megatron?.fileNames ?? [])
    let others = listing.files.filter { !own.contains($0) && $0 != Self.configName }
    self.directory = directory
    self.container = container
    shards = opened.shards
    // The weight files and their tensors.
    hasIndex = own.contains(container.indexName)
    isOfRanks = opened.arrangement == .hubShards
    configFile = Self.configFile(directory, listing, opened.arrangement)
    weightFiles = weights.filter { !container.lists($0) }.sorted()
    tensors = shards.flatMap(\.tensors)
    headers = try Self.headers(tensors)
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
