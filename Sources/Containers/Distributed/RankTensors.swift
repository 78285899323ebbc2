import Diagnostics
import SystemPackage
import Tensors

/// The tensors of a state dict, put together of what each rank holds of them.
struct RankTensors {
  /// The tensors, in the order of the first rank.
  private(set) var tensors: [StoredTensor] = []
  /// What several ranks hold and must be the same.
  private(set) var replicas: [Replica] = []
  private var ranks: [RankState]
  /// Where the names are in each rank.
  private let places: [[String: StateDictionary.Held]]

  /// Puts the tensors together.
  /// - Parameter ranks: the state dicts of all ranks.
  /// - Throws: `Problem` of kind `invalid` where the ranks do not agree, or their parts do not cover a
  ///   tensor exactly.
  init(_ ranks: [RankState]) throws {
    self.ranks = ranks
    places = try ranks.map(Self.names)
    guard let first = ranks.first else { return }
    if ranks.count > 1 { try checkNames(first) }
    for (name, held) in first.tensors {
      switch held {
      case .whole(let place): try addWhole(name, place)
      case .part(let place): try addDivided(name, place)
      }
    }
  }

  private static func names(_ rank: RankState) throws -> [String: StateDictionary.Held] {
    var places: [String: StateDictionary.Held] = [:]
    places.reserveCapacity(rank.tensors.count)
    for (name, held) in rank.tensors where places.updateValue(held, forKey: name) != nil {
      throw Problem(
        .invalid, "a tensor is stored twice", file: rank.file, tensor: name,
        expected: "each name once")
    }
    return places
  }

  private func checkNames(_ first: RankState) throws {
    for (rank, places) in zip(ranks, self.places).dropFirst() {
      let lacking = first.tensors.first { places[$0.name] == nil }
      let extra = rank.tensors.first { self.places[0][$0.name] == nil }
      guard let name = lacking?.name ?? extra?.name else { continue }
      throw Problem(
        .invalid, "a rank lacks a tensor that another one has",
        file: lacking == nil ? first.file : rank.file, tensor: name,
        expected: "the tensors of \(lacking == nil ? rank.file : first.file)",
        remedy: Self.remedy)
    }
  }

  private static let remedy = "fetch the files of all ranks again, from one save"

  private func disagreement(_ name: String, _ rank: Int, _ mine: String, _ theirs: String)
    -> Problem
  {
    Problem(
      .invalid, "the ranks disagree about a tensor", file: ranks[rank].file, tensor: name,
      expected: "\(mine), as \(ranks[0].file) says", found: theirs, remedy: Self.remedy)
  }

  /// A tensor that all ranks hold as a whole.
  private mutating func addWhole(_ name: String, _ place: Int) throws {
    let first = try whole(name, place, of: 0)
    for rank in ranks.indices.dropFirst() {
      guard case .whole(let place)? = places[rank][name] else {
        throw disagreement(name, rank, "a whole tensor", "a part of one")
      }
      let other = try whole(name, place, of: rank)
      guard other.type == first.type, other.shape == first.shape else {
        throw disagreement(
          name, rank, "\(TensorShape.text(first.shape)) of \(first.type.rawValue)",
          "\(TensorShape.text(other.shape)) of \(other.type.rawValue)")
      }
      replicas.append(
        Replica(name: name, first: first.region, other: other.region, file: other.file))
    }
    tensors.append(first)
  }

  /// A tensor of which each rank holds a part; what several hold is taken from the first of them.
  private mutating func addDivided(_ name: String, _ place: Int) throws {
    let first = try part(name, place, of: 0)
    var pieces: [StoredPiece.Bounds: StoredPiece] = [:]
    for rank in ranks.indices {
      guard case .part(let place)? = places[rank][name] else {
        throw disagreement(name, rank, "a part of a tensor", "a whole one")
      }
      let part = try part(name, place, of: rank)
      guard part.agrees(with: first) else {
        throw disagreement(name, rank, first.text, part.text)
      }
      let piece = try locating(.tensor(name)) { try part.piece() }
      guard let known = pieces[piece.bounds] else {
        pieces[piece.bounds] = piece
        continue
      }
      replicas.append(
        Replica(
          name: name, first: known.region, other: piece.region, file: part.stored.file))
    }
    let region = try locating(.file(ranks[0].file)) {
      try locating(.tensor(name)) {
        let cover = try ChunkCover(first.whole, first.type, Array(pieces.values))
        return cover.region(of: cover.chunks.map(\.region), first.type)
      }
    }
    tensors.append(
      StoredTensor(
        name: name, type: first.type, shape: first.whole, region: region, file: ranks[0].file))
  }

  private mutating func whole(_ name: String, _ place: Int, of rank: Int) throws -> StoredTensor {
    let file = ranks[rank].file
    return try locating(.file(file)) { try ranks[rank].whole(name, place) }
  }

  private mutating func part(_ name: String, _ place: Int, of rank: Int) throws -> RankPart {
    let file = ranks[rank].file
    return try locating(.file(file)) { try ranks[rank].part(name, place) }
  }
}

extension RankTensors {
  /// Opens the files of all ranks in a directory as one weight file.
  /// - Throws: `Problem` naming the file.
  /// - Cost: reads the pickle of each file.
  static func open(_ directory: FilePath, _ files: RankFiles) throws -> WeightFile {
    let ranks = try files.names.map { name in
      let path = directory.appending(name)
      return try RankState(MappedFile(path), file: path.string, number: RankFiles.number(name))
    }
    let together = try RankTensors(ranks)
    return WeightFile(
      tensors: together.tensors, ignored: ranks.first?.ignored ?? [],
      payloadChecks: ranks.flatMap(\.checksums) + together.replicas)
  }
}

/// What two ranks hold and must be the same.
struct Replica: PayloadCheck {
  /// The name of the tensor.
  let name: String
  let first: ByteRegion
  let other: ByteRegion
  /// The file of the second rank.
  let file: String

  /// Compares the bytes.
  /// - Throws: `Problem` of kind `invalid` where they differ.
  /// - Cost: reads both.
  func check() throws {
    guard try !first.holdsSameBytes(as: other) else { return }
    throw Problem(
      .invalid, "two ranks hold different values of the same part of a tensor", file: file,
      tensor: name, remedy: "take the checkpoint of another step, or save it again")
  }
}
