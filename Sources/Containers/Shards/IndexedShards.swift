import Diagnostics
import SystemPackage
import Tensors

/// The weight files that an index names, opened and checked against it in both directions.
struct IndexedShards {
  private let directory: FilePath
  private let container: Container
  private let index: ShardIndex
  private var problems: [Problem] = []
  private(set) var shards: [StoredCheckpoint.Shard] = []

  /// Opens all files and reports everything that does not agree together.
  init(_ directory: FilePath, _ container: Container, files: [String]) throws {
    self.directory = directory
    self.container = container
    index = try Self.readIndex(directory.appending(container.indexName))
    let named = Set(index.weightMap.map(\.file))
    for name in named.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
      try open(name, isThere: files.contains(name))
    }
    checkStale(files.filter { container.isWeight($0) && !named.contains($0) })
    checkTensors()
    if shards.count == named.count { checkTotals() }
    try Problem.throwIfAny(problems)
  }

  private static func readIndex(_ path: FilePath) throws -> ShardIndex {
    try locating(.file(path.string)) {
      let file = try MappedFile(path)
      guard file.bytes.count <= ShardIndex.limit else {
        throw Problem(
          .invalid, "the file is too large for an index",
          expected: "at most \(ShardIndex.limit) bytes", found: "\(file.bytes.count) bytes",
          remedy: "check that the file is an index")
      }
      return try FileNature.reading(file.bytes, as: .json) { try ShardIndex(parsing: file.bytes) }
    }
  }

  private mutating func open(_ name: String, isThere: Bool) throws {
    let path = directory.appending(name)
    guard isThere else {
      problems.append(
        Problem(
          .missing, "a file that the index names is not there", file: path.string,
          remedy: "fetch the file"))
      return
    }
    do {
      shards.append(.init(fileName: name, content: try container.open(path)))
    } catch let problem as Problem {
      problems.append(problem)
    }
  }

  private mutating func checkStale(_ names: [String]) {
    problems += names.map {
      Problem(
        .invalid, "a weight file that the index does not name",
        file: directory.appending($0).string, expected: "only files named by the index",
        remedy: "remove the stale file, or the index if the file is the model")
    }
  }

  /// Checks names in both directions over the files that could be opened.
  private mutating func checkTensors() {
    var listed: [String: String] = [:]
    for (tensor, file) in index.weightMap { listed[tensor] = file }
    var stored: Set<String> = []
    for shard in shards {
      for tensor in shard.tensors {
        stored.insert(tensor.name)
        let file = listed[tensor.name]
        if file == shard.fileName { continue }
        problems.append(
          file.map { misplaced(tensor.name, listed: $0, found: shard.fileName) }
            ?? unlisted(tensor.name, shard.fileName))
      }
    }
    let opened = Set(shards.map(\.fileName))
    for (tensor, file) in index.weightMap where opened.contains(file) && !stored.contains(tensor) {
      problems.append(absent(tensor, file))
    }
  }

  private static let remedy = "fetch index and files anew; these do not belong together"

  private func absent(_ tensor: String, _ file: String) -> Problem {
    Problem(
      .invalid, "a tensor is not in the file that the index names",
      file: directory.appending(file).string, tensor: tensor, expected: "in \(file)",
      found: "in no file", remedy: Self.remedy)
  }

  private func misplaced(_ tensor: String, listed: String, found: String) -> Problem {
    Problem(
      .invalid, "a tensor is in a file that the index does not name for it",
      file: directory.appending(found).string, tensor: tensor, expected: "only in \(listed)",
      found: "in \(found)", remedy: Self.remedy)
  }

  private func unlisted(_ tensor: String, _ file: String) -> Problem {
    Problem(
      .invalid, "a tensor is not in the index", file: directory.appending(file).string,
      tensor: tensor, expected: "every stored tensor in \(container.indexName)",
      found: "in \(file) only", remedy: Self.remedy)
  }

  private mutating func checkTotals() {
    let tensors = shards.flatMap(\.tensors)
    let size = tensors.reduce(0) { $0 + $1.byteCount }
    if let claimed = index.totalSize, claimed != size, claimed != Self.distinctSize(tensors) {
      problems.append(
        Problem(
          .invalid, "total_size of the index is not the size of the tensors",
          file: directory.appending(container.indexName).string, expected: "\(size)",
          found: "\(claimed)"))
    }
  }

  /// The size where tensors that share their bytes count once, as some writers of indices do.
  private static func distinctSize(_ tensors: [StoredTensor]) -> Int {
    struct StorageRange: Hashable {
      let storage: ObjectIdentifier
      let range: Range<Int>
    }
    let ranges = tensors.map {
      StorageRange(storage: ObjectIdentifier($0.region.storage), range: $0.region.range)
    }
    return Set(ranges).reduce(0) { $0 + $1.range.count }
  }
}
