import Diagnostics
import JSON
import SystemPackage
import Tensors

/// A checkpoint as it lies on disk: weight files, configuration and everything beside them.
public struct StoredCheckpoint: Sendable {
  /// One weight file.
  public typealias Shard = (fileName: String, tensors: [StoredTensor])

  /// The directory of the files.
  public let directory: FilePath
  /// The weight files and their tensors in the order of their data.
  public let shards: [Shard]
  /// All tensors, file by file.
  public let tensors: [StoredTensor]
  /// The parsed `config.json`, where there is one.
  public let config: JSONValue?
  /// The bytes of `config.json`, where there is one.
  public let configBytes: [UInt8]?
  /// The names of all other regular files, sorted; weight files and index are not among them.
  public let sidecars: [String]
  /// The names of the subdirectories, sorted; Graft does not look into them.
  public let subdirectories: [String]
  /// Whether an index names the weight files.
  public let hasIndex: Bool
  private let places: [String: Int]

  /// The name of the configuration.
  public static let configName = "config.json"
  private static let configLimit = 16 << 20

  /// The tensor of that name.
  public func tensor(_ name: String) -> StoredTensor? { places[name].map { tensors[$0] } }

  /// The path of one of the files.
  public func path(_ fileName: String) -> FilePath { directory.appending(fileName) }

  /// Opens a directory or one `.safetensors` file in it.
  /// - Throws: `Problem` of kind `missing` where something is not there, `invalid` where a file is
  ///   corrupt or the files contradict each other; a `ProblemList` where there are several.
  /// - Cost: reads headers, index and configuration only.
  public static func open(_ path: FilePath) throws -> StoredCheckpoint {
    switch FileKind(path) {
    case .absent: throw Problem(.missing, "no such file or directory", file: path.string)
    case .other: throw Problem(.invalid, "not a file and not a directory", file: path.string)
    case .directory: return try openDirectory(path)
    case .regular: return try openFile(path)
    }
  }

  private static func openFile(_ path: FilePath) throws -> StoredCheckpoint {
    guard let name = path.lastComponent, name.extension == "safetensors" else {
      throw Problem(
        .unsupported, "not a weight file that can be read", file: path.string,
        expected: "a .safetensors file or a directory")
    }
    let tensors = try SafetensorsFile(path).tensors
    let parent = path.removingLastComponent()
    return try StoredCheckpoint(
      parent.isEmpty ? "." : parent, [(name.string, tensors)], hasIndex: false)
  }

  private static func openDirectory(_ path: FilePath) throws -> StoredCheckpoint {
    let listing = try DirectoryListing(path)
    do {
      switch try WeightFiles(of: listing.files) {
      case .single: return try openAll([ShardPlan.singleName], in: path)
      case .numbered(let names): return try openAll(names, in: path)
      case .indexed:
        let shards = try IndexedShards(path, files: listing.files).shards
        return try StoredCheckpoint(path, shards, hasIndex: true)
      }
    } catch let problem as Problem {
      throw problem.inFile(path.string)
    }
  }

  private static func openAll(_ names: [String], in path: FilePath) throws -> StoredCheckpoint {
    let shards = try names.map { ($0, try SafetensorsFile(path.appending($0)).tensors) }
    return try StoredCheckpoint(path, shards, hasIndex: false)
  }

  private init(_ directory: FilePath, _ shards: [Shard], hasIndex: Bool) throws {
    let listing = try DirectoryListing(directory)
    let weights = Set(shards.map(\.fileName))
    self.directory = directory
    self.shards = shards
    self.hasIndex = hasIndex
    tensors = shards.flatMap(\.tensors)
    places = try Self.places(tensors)
    sidecars = listing.files.filter {
      !weights.contains($0) && !WeightFiles.isWeight($0) && $0 != ShardIndex.fileName
        && $0 != Self.configName
    }
    subdirectories = listing.directories
    try Self.refuse(listing.dangling, in: directory)
    configBytes = try Self.readConfig(directory, listing.files)
    config = try Self.parse(configBytes, directory)
  }
}

extension StoredCheckpoint {
  /// Where each name is; refuses a name that occurs twice.
  private static func places(_ tensors: [StoredTensor]) throws -> [String: Int] {
    var places: [String: Int] = [:]
    places.reserveCapacity(tensors.count)
    var problems: [Problem] = []
    for (index, tensor) in tensors.enumerated() {
      guard let first = places.updateValue(index, forKey: tensor.name) else { continue }
      problems.append(
        Problem(
          .invalid, "a tensor is stored twice", file: tensor.file, tensor: tensor.name,
          expected: "each name once", found: "also in \(tensors[first].file)"))
    }
    try ProblemList.throwIfAny(problems)
    return places
  }

  private static func refuse(_ dangling: [String], in directory: FilePath) throws {
    try ProblemList.throwIfAny(
      dangling.map {
        Problem(
          .missing, "a link that leads nowhere", file: directory.appending($0).string,
          remedy: "fetch the file or remove the link")
      })
  }

  private static func readConfig(_ directory: FilePath, _ files: [String]) throws -> [UInt8]? {
    guard files.contains(configName) else { return nil }
    return try MappedFile.readAll(directory.appending(configName), limit: configLimit)
  }

  private static func parse(_ bytes: [UInt8]?, _ directory: FilePath) throws -> JSONValue? {
    do {
      return try bytes.map { try JSONValue(parsing: $0) }
    } catch let problem as Problem {
      throw problem.inFile(directory.appending(configName).string)
    }
  }
}
