import Diagnostics
import Tensors

/// The state dict of one file of `torch.save`: tensors, or what one rank holds of each.
struct RankState {
  /// The file, for messages.
  let file: String
  /// The names and what is held under them, in the order of the file.
  let tensors: [(name: String, held: StateDictionary.Held)]
  /// What the file holds beside the state dict, by name and kind.
  let ignored: [IgnoredValue]
  /// The checksums, which are taken as the bytes are read.
  let checksums: [Checksum]
  /// The rank that the name of the file gives, and how many there are.
  let number: RankFiles.Number?
  private let content: TorchContent
  private var views: TensorViews

  /// Checks the bytes of a whole file.
  /// - Throws: `Problem` of kind `invalid` or `unsupported`, naming the file.
  init(_ bytes: any ByteStorage, file: String, number: RankFiles.Number?) throws {
    let (content, state) = try locating(.file(file)) {
      let content = try FileNature.reading(bytes.bytes, as: .torch) { try TorchContent(bytes) }
      return (content, try StateDictionary(content.value, in: content.heap))
    }
    (self.file, self.content, self.number) = (file, content, number)
    (tensors, ignored, checksums) = (state.tensors, state.ignored, content.checksums)
    views = TensorViews(content, budget: bytes.count, file: file)
  }

  /// A tensor that the file holds as a whole.
  mutating func whole(_ name: String, _ place: Int) throws -> StoredTensor {
    try views.tensor(name, place)
  }

  /// A part of a tensor that the file holds.
  mutating func part(_ name: String, _ place: Int) throws -> RankPart {
    let part = content.heap.parts[place]
    let placement = try locating(.tensor(name)) {
      try RankPlacement(
        part.spec, in: content.heap, rank: number?.rank, of: number?.ranks ?? 1)
    }
    return RankPart(
      type: part.type, whole: part.shape, placement: placement,
      stored: try views.tensor(name, part.local))
  }

  /// How many ranks share the first tensor that is divided, where the file says it.
  var mesh: [Int]? {
    for case .part(let place) in tensors.lazy.map(\.held) {
      let spec = content.heap.parts[place].spec
      return try? RankPlacement(spec, in: content.heap, rank: 0, of: number?.ranks ?? 1).mesh
    }
    return nil
  }

  /// Whether the file holds no more than a part of some tensor.
  var isDivided: Bool {
    tensors.contains { if case .part = $0.held { true } else { false } }
  }
}

/// What one rank holds of a tensor, and what it says of the whole.
struct RankPart {
  let type: ScalarType
  /// The extents of the whole.
  let whole: [Int]
  let placement: RankPlacement
  let stored: StoredTensor

  /// What the rank says of the tensor, in words.
  var text: String { "\(TensorShape.text(whole)) of \(type.rawValue), \(placement.text)" }

  /// Whether another rank says the same of the tensor.
  func agrees(with other: RankPart) -> Bool {
    type == other.type && whole == other.whole && placement.agrees(with: other.placement)
  }

  /// The part as a piece of the whole.
  /// - Throws: `Problem` of kind `invalid` where the placement does not fit the tensor or the part.
  func piece() throws -> StoredPiece {
    guard TensorShape.byteCount(whole, type) != nil, let part = placement.part(of: whole) else {
      throw Problem(
        .invalid, "the placement of a DTensor does not fit it", found: text,
        remedy: "save the checkpoint again")
    }
    guard stored.shape == part.shape, stored.type == type else {
      throw Problem(
        .invalid, "a rank holds another part of a DTensor than its placement says",
        file: stored.file,
        expected: "\(TensorShape.text(part.shape)) of \(type.rawValue), for \(placement.text)",
        found: "\(TensorShape.text(stored.shape)) of \(stored.type.rawValue)")
    }
    return StoredPiece(offsets: part.offsets, shape: part.shape, region: stored.region)
  }
}
