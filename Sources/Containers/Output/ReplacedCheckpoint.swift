import Diagnostics
import JSON
import SystemPackage
import Tensors

/// Recognises files of a checkpoint that their names alone do not show, such as those that Graft wrote.
public struct CheckpointMarks: Sendable {
  /// Whether a regular file is one that the writer put there, or would put there again with the same
  /// bytes.
  let knows: @Sendable (FilePlace) -> Bool

  /// Marks for files whose names nobody knows.
  public init(knows: @escaping @Sendable (FilePlace) -> Bool) { self.knows = knows }

  /// None.
  public static let none = CheckpointMarks { _ in false }
}

/// A directory that is a checkpoint and nothing else, so that it may be replaced as a whole.
///
/// It may hold the weight files of one model, each of which begins as its name says, the index that names
/// them, a config, files known beside weights, and what the marks know: regular files only.
struct ReplacedCheckpoint {
  /// Everything in it.
  private let names: [FilePath.Component]
  /// What lies in a directory of an iteration inside it.
  private let inner: [ReplacedCheckpoint]
  private let directory: HeldDirectory

  private static let configLimit = 16 << 20

  /// Looks at everything in a directory.
  /// - Throws: `Problem` of kind `exists` that lists what is no part of a checkpoint.
  /// - Cost: reads config and index, the first bytes of weight files, and what the marks read.
  init(_ directory: HeldDirectory, _ marks: CheckpointMarks) throws {
    self.directory = directory
    names = try directory.names()
    inner =
      try Self.iteration(in: directory, names).map { [try ReplacedCheckpoint($0, marks)] } ?? []
    guard inner.isEmpty else { return }
    let odd = try names.compactMap { name in
      try directory.place(name).status().flatMap { status in
        status.kind == .file ? nil : "\(name.string) (\(status.oddity ?? ""))"
      }
    }
    guard odd.isEmpty else { throw Self.foreign(directory, odd) }
    guard !names.isEmpty else { return }
    let weights = weightFiles()
    let strange = names.map(\.string).filter { name in
      guard let place = try? directory.place(name) else { return true }
      return weights.contains(name) ? !isWhatItsNameSays(place, name) : !isBeside(place, marks)
    }
    guard strange.isEmpty, !weights.isEmpty else {
      throw Self.foreign(directory, weights.isEmpty ? names.map(\.string) : strange)
    }
  }

  /// The names of all files.
  var files: [String] {
    inner.isEmpty ? names.map(\.string) : MegatronSave.trackerNames + inner.flatMap(\.files)
  }

  /// The names of the directories in it.
  var folders: [String] { inner.compactMap { $0.directory.path.lastComponent?.string } }

  /// The only directory in one with nothing else but files that say it is the newest iteration.
  private static func iteration(in directory: HeldDirectory, _ names: [FilePath.Component]) throws
    -> HeldDirectory?
  {
    guard let name = names.first(where: { $0.string == MegatronSave.folder }),
      let folder = try HeldDirectory(directory.place(name))
    else { return nil }
    let others = try names.filter { other in
      let isTracker = MegatronSave.trackerNames.contains(other.string)
      return try other != name
        && (!isTracker || directory.place(other).status()?.kind != .file)
    }
    guard others.isEmpty else { throw foreign(directory, others.map(\.string)) }
    return folder
  }

  private static func foreign(_ directory: HeldDirectory, _ names: [String]) -> Problem {
    let shown = names.count > 8 ? names.prefix(8) + ["… (\(names.count) in all)"] : names[...]
    return Problem(
      .exists, "overwriting the output would remove what is no part of a checkpoint",
      file: directory.path.string,
      expected: "the weights of one model, their index, a config and files known beside them",
      found: shown.joined(separator: ", "),
      remedy: "choose another path for the output, or move them away yourself")
  }

  /// The weight files of the model and their index; none where it is open which these are.
  private func weightFiles() -> Set<String> {
    let names = names.map(\.string)
    guard let weights = try? WeightFiles(of: names),
      weights.container.hasMetadata || names.contains(StoredCheckpoint.configName) || isSave(names)
    else { return [] }
    switch weights.arrangement {
    case .single: return [weights.container.singleName]
    case .numbered(let files): return Set(files)
    case .indexed:
      let index = weights.container.indexName
      return Set(indexed(index)).intersection(names).union([index])
    case .distributed:
      return Set(pieces()).intersection(names).union([DistributedMetadata.fileName])
    case .ranks, .hubShards, .below, .universal, .moduleStates: return []
    }
  }

  /// The files that the metadata of a distributed checkpoint name.
  private func pieces() -> [String] { metadata()?.fileNames ?? [] }

  private func metadata() -> DistributedMetadata? {
    guard let file = try? directory.place(DistributedMetadata.fileName).mapped() else { return nil }
    return try? withExtendedLifetime(file) { try DistributedMetadata(file.bytes) }
  }

  /// Whether it is what Megatron saved of a model alone, whose options are in files of their own.
  private func isSave(_ names: [String]) -> Bool {
    guard names.contains(MegatronBackend.fileName), let metadata = metadata() else { return false }
    return metadata.entries.allSatisfy {
      [nil, "extra state"].contains(MegatronName.group($0.path.joined(separator: ".")))
    }
  }

  private func indexed(_ name: String) -> [String] {
    guard let file = try? directory.place(name).mapped(), file.count <= ShardIndex.limit,
      let index = try? withExtendedLifetime(file, { try ShardIndex(parsing: file.bytes) })
    else { return [] }
    return index.weightMap.map(\.file)
  }

  private func isWhatItsNameSays(_ place: FilePlace, _ name: String) -> Bool {
    guard let container = Container.allCases.first(where: { $0.isWeight(name) }) else {
      if name == DistributedMetadata.fileName { return begins(place, as: .torch) }
      return Container.ofFiles.contains { $0.indexName == name }
        || beginsAsItsExtension(place, name)
    }
    return begins(place, as: container)
  }

  private func beginsAsItsExtension(_ place: FilePlace, _ name: String) -> Bool {
    Container(fileExtension: FilePath(name).extension).map { begins(place, as: $0) } ?? false
  }

  private func begins(_ place: FilePlace, as container: Container) -> Bool {
    guard let file = try? place.mapped() else { return false }
    return withExtendedLifetime(file) { container.isBeginning(file.bytes) }
  }

  private func isBeside(_ place: FilePlace, _ marks: CheckpointMarks) -> Bool {
    let name = place.path.lastComponent?.string ?? ""
    if name == StoredCheckpoint.configName { return isObject(place) }
    if MegatronSave.names.contains(name) {
      return FilePath(name).extension == "pt" ? begins(place, as: .torch) : true
    }
    return KnownFiles.isKnown(name) || marks.knows(place)
  }

  private func isObject(_ place: FilePlace) -> Bool {
    guard let file = try? place.mapped(), file.count <= Self.configLimit else { return false }
    let bytes = withExtendedLifetime(file) { Array(file.bytes) }
    return (try? JSONValue(parsing: bytes))?.object != nil
  }
}

extension Container {
  /// Whether a file that begins so can be one of this kind.
  func isBeginning(_ bytes: UnsafeRawBufferPointer) -> Bool {
    switch self {
    case .safetensors:
      guard bytes.count > 8, bytes[8] == UInt8(ascii: "{") else { return false }
      return bytes.loadUnaligned(as: UInt64.self).littleEndian <= UInt64(bytes.count - 8)
    case .torch: return bytes.starts(with: Self.zip) || bytes.first == 0x80
    case .dcp, .torchDist: return bytes.starts(with: Self.zip)
    case .npz: return bytes.starts(with: Self.zip) || bytes.starts(with: Self.emptyZip)
    case .gguf: return bytes.starts(with: "GGUF".utf8)
    }
  }

  private static let zip: [UInt8] = [0x50, 0x4B, 3, 4]
  private static let emptyZip: [UInt8] = [0x50, 0x4B, 5, 6]
}
