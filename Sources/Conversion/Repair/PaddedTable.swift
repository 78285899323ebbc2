import Canonical
import Containers
import Diagnostics
import JSON
import Layouts
import Opening
import Tensors

/// Tables of embeddings with more rows than the config asks for, all of them zeros, as tools pad them for
/// several devices.
struct PaddedTable {
  /// The stored tensors without those rows, by name.
  let tensors: [String: StoredTensor]
  /// What was done, a mend for each tensor.
  let mends: [Mend]

  /// Cuts off the rows of tables that a layout understands.
  /// - Returns: nil where no table is padded, or it does not show where.
  /// - Cost: reads the rows that are cut off.
  /// - Throws: `Problem` of kind `io` where they cannot be read.
  init?(_ stored: StoredCheckpoint, _ layout: Layout) throws {
    guard let config = stored.config,
      let configuration = try? layout.configuration(from: config),
      let binding = try? LayoutBinding(layout, configuration)
    else { return nil }
    let cut = try binding.tensors.filter(\.isTable).flatMap { try Self.cut($0, stored) }
    guard !cut.isEmpty else { return nil }
    tensors = Dictionary(cut.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    mends = cut.map { tensor in
      let rows = stored.tensor(tensor.name)?.shape.first ?? 0
      return Mend(
        .table, tensor: tensor.name, file: tensor.file, "rows of zeros cut off",
        before: "\(rows) rows", after: "\(tensor.shape[0]) rows")
    }
  }

  /// The checkpoint with the rows cut off.
  func applied(to stored: StoredCheckpoint) throws -> StoredCheckpoint {
    try stored.replacing { tensors[$0.name] ?? $0 }
  }

  /// The stored tensors of one table, cut; none where it is as it should be, or it does not show where the
  /// rows are that are too many.
  private static func cut(_ table: BoundTensor, _ stored: StoredCheckpoint) throws -> [StoredTensor]
  {
    let pieces = table.pieces.compactMap(stored.tensor)
    guard pieces.count == table.pieces.count, let first = pieces.first, let width = first.rowBytes,
      pieces.allSatisfy({
        $0.type == first.type && $0.shape.dropFirst() == table.shape.dropFirst() && !$0.isEmpty
      })
    else { return [] }
    let share = table.shape[0] / pieces.count
    let all = ByteRegion(JoinedBytes(pieces.map(\.region)))
    guard width > 0, share > 0, share * pieces.count == table.shape[0],
      table.shape[0] < all.count / width
    else { return [] }
    let isPaddedAtEnd = try all.isZero(from: table.shape[0] * width)
    let arePadded = try pieces.allSatisfy {
      try $0.region.count > share * width && $0.region.isZero(from: share * width)
    }
    guard isPaddedAtEnd != arePadded || pieces.count == 1 && isPaddedAtEnd else { return [] }
    return pieces.enumerated().map { index, piece in
      let region =
        arePadded
        ? piece.region.part(0..<share * width)
        : all.part(index * share * width..<(index + 1) * share * width)
      return StoredTensor(
        name: piece.name, type: piece.type, shape: [share] + piece.shape.dropFirst(),
        region: region, file: piece.file)
    }
  }
}

extension StoredTensor {
  fileprivate var isEmpty: Bool { shape.contains(0) }

  /// - Units: bytes.
  fileprivate var rowBytes: Int? {
    guard let rows = shape.first, rows > 0, packed == nil, !type.isBlock else { return nil }
    return region.count / rows
  }
}

extension ByteRegion {
  /// Some of the bytes.
  fileprivate func part(_ part: Range<Int>) -> ByteRegion {
    ByteRegion(storage, range.lowerBound + part.lowerBound..<range.lowerBound + part.upperBound)
  }

  /// Whether all bytes from one on are zero.
  fileprivate func isZero(from start: Int) throws -> Bool {
    var isZero = true
    try part(start..<count).forEachWindow { window in
      isZero = isZero && window.allSatisfy { $0 == 0 }
    }
    return isZero
  }
}
