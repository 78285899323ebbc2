import Diagnostics
import JSON
import SystemPackage
import Tensors

/// The safetensors files that each rank wrote in the form of the hub, with its parts of the tensors.
///
/// ```
/// shard-00001-model-00001-of-00002.safetensors: rank 1, file 1 of 2
/// "__metadata__": {"DCP_SHARDING_INFO": "{\"name\": {\"saved_offsets\": [0, 0]}, …}"}
/// ```
struct HubShards {
  /// The name of one of the files, taken apart.
  private struct Name: Hashable {
    let name: String
    let rank: Int
    let stem: String
    let number: Int
    let count: Int
  }

  /// A block of a tensor with the type and the file that hold it.
  private struct TypedPiece {
    let piece: StoredPiece
    let type: ScalarType
    let file: String
    let number: Int
  }

  private let files: [Name]
  /// The names of the files, sorted by rank and number.
  var names: [String] { files.map(\.name) }

  /// Finds the files among the names in a directory; nil where there are none.
  /// - Throws: `Problem` of kind `invalid` where they belong to several saves, `missing` where all files
  ///   of a number are not there.
  init?(of names: [String]) throws {
    files = names.compactMap(Self.taken).sorted { ($0.rank, $0.number) < ($1.rank, $1.number) }
    guard let first = files.first else { return nil }
    let stray = files.filter { $0.count != first.count || $0.stem != first.stem }
    guard stray.isEmpty, Set(files.map { [$0.rank, $0.number] }).count == files.count else {
      throw Problem(
        .invalid, "files of ranks of several saves leave open which are the model",
        expected: "files of one number, as \(first.name)",
        found: NameList.text((stray.isEmpty ? files : stray).map(\.name)),
        remedy: "put each save into a directory of its own")
    }
    try Self.checkComplete("number", Set(files.map(\.number)), of: first.count)
  }

  private static func taken(_ name: String) -> Name? {
    let pattern = #/shard-(\d{1,6})-(.+)-(\d{1,6})-of-(\d{1,6})\.safetensors/#
    guard let match = name.wholeMatch(of: pattern), let rank = Int(match.1),
      let number = Int(match.3), let count = Int(match.4), rank > 0, (1...count).contains(number)
    else { return nil }
    return Name(name: name, rank: rank, stem: String(match.2), number: number, count: count)
  }

  private static func checkComplete(_ what: String, _ found: Set<Int>, of count: Int) throws {
    let missing = (1...count).filter { !found.contains($0) }
    guard !missing.isEmpty else { return }
    throw Problem(
      .missing, "files of ranks are not there", expected: "each \(what) from 1 to \(count)",
      found: "no file of \(what) \(NameList.text(missing.map(String.init)))",
      remedy: "fetch the missing files")
  }

  /// Opens the files as one weight file.
  /// - Throws: `Problem` of kind `invalid` where a file does not say what it holds, or the parts do not
  ///   cover a tensor exactly; `missing` where a file is not there.
  /// - Cost: reads the headers.
  func open(in directory: FilePath) throws -> WeightFile {
    var (order, parts): ([String], [String: [TypedPiece]]) = ([], [:])
    var metadata: [(key: String, value: String)] = []
    for name in files {
      let file = try SafetensorsFile(directory.appending(name.name))
      if metadata.isEmpty { metadata = file.metadata.filter { !$0.key.hasPrefix("DCP_") } }
      for (tensor, part) in try Self.parts(file, name) {
        if parts[tensor] == nil { order.append(tensor) }
        parts[tensor, default: []].append(part)
      }
    }
    try checkFiles(parts)
    let tensors = try order.map { name in
      do {
        return try locating(.tensor(name)) { try Self.tensor(name, parts[name] ?? []) }
      } catch {
        // A rank that holds nothing of its own writes nothing; where parts are missing it should have.
        try Self.checkComplete("rank", Set(files.map(\.rank)), of: files.last?.rank ?? 1)
        throw error
      }
    }
    return WeightFile(metadata: metadata, tensors: tensors)
  }

  private static func parts(_ file: SafetensorsFile, _ name: Name) throws -> [(String, TypedPiece)]
  {
    try locating(.file(file.name)) {
      let text = file.metadata.first { $0.key == RankShards.metadataKey }?.value
      guard let info = try text.map({ try JSONValue(parsing: Array($0.utf8)) }) else {
        throw Problem(
          .invalid, "the file does not say which parts of tensors it holds",
          expected: "\(RankShards.metadataKey) in its metadata", remedy: RankShards.consolidating)
      }
      return try file.tensors.map { tensor in
        let offsets = info[tensor.name]?["saved_offsets"]?.array?.map(\.int)
        let found = offsets?.compactMap(\.self) ?? []
        guard found.count == offsets?.count, found.count == tensor.shape.count,
          found.allSatisfy({ $0 >= 0 })
        else {
          throw Problem(
            .invalid, "the file does not say where a part of a tensor begins", tensor: tensor.name,
            expected: "\(tensor.shape.count) saved_offsets")
        }
        let piece = StoredPiece(offsets: found, shape: tensor.shape, region: tensor.region)
        return (
          tensor.name,
          TypedPiece(piece: piece, type: tensor.type, file: file.name, number: name.number)
        )
      }
    }
  }

  /// Checks that tensors in files of one number are divided among as many ranks as those in others; where
  /// ranks hold nothing of a tensor, a file may lack it.
  private func checkFiles(_ parts: [String: [TypedPiece]]) throws {
    var ranks: [Int: Int] = [:]
    for parts in parts.values {
      let count = parts.allSatisfy { $0.piece.region.count > 0 } ? parts.count : .max
      for number in Set(parts.map(\.number)) { ranks[number] = max(ranks[number] ?? 1, count) }
    }
    let most = ranks.values.filter { $0 < .max }.max() ?? 1
    for (number, count) in ranks.sorted(by: { $0.key < $1.key }) where count > 1 && count < most {
      let there = Set(files.lazy.filter { $0.number == number }.map(\.rank))
      guard let rank = files.first(where: { !there.contains($0.rank) })?.rank else { continue }
      throw Problem(
        .missing, "files of ranks are not there", expected: "a file \(number) of \(most) ranks",
        found: "no file \(number) of rank \(rank), and tensors in \(count) parts",
        remedy: "fetch the missing files")
    }
  }

  private static func tensor(_ name: String, _ parts: [TypedPiece]) throws -> StoredTensor {
    let first = parts[0]
    for other in parts where other.type != first.type {
      throw Problem(
        .invalid, "the ranks disagree about a tensor", file: other.file,
        expected: "\(first.type.rawValue), as \(first.file) says", found: other.type.rawValue,
        remedy: "fetch the files of all ranks again, from one save")
    }
    let region = try locating(.file(first.file)) {
      let cover = try ChunkCover(try extents(parts), first.type, parts.map(\.piece))
      return (cover.region(of: cover.chunks.map(\.region), first.type), cover.shape)
    }
    return StoredTensor(
      name: name, type: first.type, shape: region.1, region: region.0, file: first.file)
  }

  /// The extents that the parts reach.
  private static func extents(_ parts: [TypedPiece]) throws -> [Int] {
    var shape = Array(repeating: 0, count: parts[0].piece.shape.count)
    for part in parts {
      guard part.piece.shape.count == shape.count else {
        throw Problem(
          .invalid, "the ranks disagree about a tensor", expected: "\(shape.count) extents",
          found: "\(part.piece.shape.count)")
      }
      for (axis, extent) in part.piece.shape.enumerated() {
        let (end, overflow) = part.piece.offsets[axis].addingReportingOverflow(extent)
        guard !overflow else {
          throw Problem(.invalid, "the shape overflows of a distributed tensor")
        }
        shape[axis] = max(shape[axis], end)
      }
    }
    return shape
  }
}
