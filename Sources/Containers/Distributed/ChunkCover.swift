import Diagnostics
import Tensors

/// The pieces of a tensor, seen to cover it without a hole and without overlap.
struct ChunkCover<Piece: TensorPiece> {
  /// The pieces that have elements, from the first row on.
  let chunks: [Piece]
  /// The extents of the tensor.
  let shape: [Int]

  /// Checks the pieces.
  /// - Parameter mostPairs: the most pairs of pieces that are compared; the default is enough for
  ///   11 000 pieces of columns and any number of pieces of rows.
  /// - Throws: `Problem` of kind `invalid`, or `unsupported` where there are more pairs.
  init(_ shape: [Int], _ type: ScalarType, _ pieces: [Piece], mostPairs: Int = 1 << 26) throws {
    self.shape = shape
    guard let total = TensorShape.elementCount(shape), TensorShape.byteCount(shape, type) != nil
    else { throw Self.problem("the shape overflows", shape) }
    var chunks: [Piece] = []
    for chunk in pieces {
      let elements = try Self.check(chunk, inside: shape)
      if elements > 0 || (total == 0 && chunks.isEmpty) { chunks.append(chunk) }
    }
    self.chunks = chunks.sorted { ($0.offsets.first ?? 0) < ($1.offsets.first ?? 0) }
    try checkOverlap(mostPairs)
    // No sum of parts of a tensor overflows unless they overlap.
    let count = chunks.reduce(0) { $0 + (TensorShape.elementCount($1.shape) ?? 0) }
    guard count == total, !chunks.isEmpty else {
      throw Self.problem("the pieces do not cover the tensor", shape, Self.holders(chunks, count))
    }
  }

  private static func problem(_ what: String, _ shape: [Int], _ found: String? = nil) -> Problem {
    Problem(
      .invalid, "\(what) of a distributed tensor", expected: TensorShape.text(shape), found: found)
  }

  /// How much of a tensor there is, and which files hold it.
  private static func holders(_ chunks: [Piece], _ count: Int) -> String {
    let names = Set(chunks.compactMap(\.holder)).sorted().map(DistributedMetadata.described)
    return "\(count) elements" + (names.isEmpty ? "" : ", in \(NameList.text(names))")
  }

  /// - Returns: the number of elements.
  private static func check(_ chunk: Piece, inside shape: [Int]) throws -> Int {
    let isInside =
      chunk.offsets.count == shape.count && chunk.shape.count == shape.count
      && zip(shape, zip(chunk.offsets, chunk.shape)).allSatisfy { extent, piece in
        piece.0 >= 0 && piece.1 >= 0 && piece.0 <= extent && piece.1 <= extent - piece.0
      }
    guard isInside, let count = TensorShape.elementCount(chunk.shape) else {
      throw Problem(
        .invalid, "a piece reaches beyond its tensor", expected: TensorShape.text(shape),
        found: chunk.text)
    }
    return count
  }

  /// - Cost: linear for pieces of rows.
  private func checkOverlap(_ mostPairs: Int) throws {
    var pairs = 0
    for (index, first) in chunks.enumerated() {
      for second in chunks[(index + 1)...] {
        pairs += 1
        guard pairs <= mostPairs else {
          throw Problem(
            .unsupported, "a distributed tensor is in too many pieces",
            expected: "at most \(mostPairs) pairs that share rows",
            found: "\(chunks.count) pieces")
        }
        if let start = second.offsets.first, start >= first.offsets[0] + first.shape[0] { break }
        let isShared = shape.indices.allSatisfy { axis in
          first.offsets[axis] < second.offsets[axis] + second.shape[axis]
            && second.offsets[axis] < first.offsets[axis] + first.shape[axis]
        }
        guard !isShared else {
          throw Self.problem("the pieces overlap", shape, "\(first.text), \(second.text)")
        }
      }
    }
  }

  /// The bytes of the tensor: its only piece, or its pieces put together whenever they are needed.
  /// - Parameter regions: the bytes of each of `chunks`.
  func region(of regions: [ByteRegion], _ type: ScalarType) -> ByteRegion {
    if regions.count == 1, chunks[0].shape == shape { return regions[0] }
    let size = TensorShape.byteCount(shape, type) ?? 0
    guard size > 0 else { return ByteRegion(OwnedBytes(count: 0)) }
    let width = type.bitWidth / 8
    let places = ChunkPlaces(zip(regions, chunks).map { ($0, pairing($1), span(of: $1)) })
    return ByteRegion(
      DeferredBytes(count: size, of: regions.map(\.storage)) { range, buffer in
        for move in places.moves(
          in: range.lowerBound / width..<(range.upperBound + width - 1) / width)
        {
          try move.pairing.gather(range, from: move.piece, width: width, into: buffer)
        }
      })
  }

  /// The first element of a piece that has some in the tensor, and the one behind its last.
  private func span(of chunk: Piece) -> Range<Int> {
    var (first, last, stride) = (0, 0, 1)
    for axis in shape.indices.reversed() {
      first += chunk.offsets[axis] * stride
      last += (chunk.offsets[axis] + max(chunk.shape[axis], 1) - 1) * stride
      stride *= shape[axis]
    }
    return first..<last + 1
  }

  /// Where the elements of a piece that has some go.
  private func pairing(_ chunk: Piece) -> PairedView {
    var offset = 0
    var axes: [StridedView.Axis] = []
    var stride = 1
    for axis in shape.indices.reversed() {
      offset += chunk.offsets[axis] * stride
      if chunk.shape[axis] > 1 { axes.append(.init(chunk.shape[axis], stride)) }
      stride *= shape[axis]
    }
    return PairedView(
      source: StridedView(contiguous: chunk.shape),
      target: StridedView(offset: offset, axes: axes.reversed()))
  }
}

/// The pieces of a tensor by where they begin in it, so that a part of it looks at few of thousands.
private struct ChunkPlaces {
  typealias Move = (piece: ByteRegion, pairing: PairedView, span: Range<Int>)

  private let moves: [Move]
  /// The most elements from the first to the last of any piece.
  private let longest: Int

  init(_ moves: [Move]) {
    self.moves = moves.sorted { $0.span.lowerBound < $1.span.lowerBound }
    longest = moves.map(\.span.count).max() ?? 0
  }

  /// The pieces that may have elements in a range of the tensor.
  /// - Cost: logarithmic in the number of pieces, and linear in the number of those it returns.
  func moves(in range: Range<Int>) -> ArraySlice<Move> {
    let start = firstMove(from: range.lowerBound - longest + 1)
    return moves[start..<max(start, firstMove(from: range.upperBound))]
  }

  /// The first piece that begins at an element or behind it.
  private func firstMove(from element: Int) -> Int {
    var (low, high) = (0, moves.count)
    while low < high {
      let middle = (low + high) / 2
      if moves[middle].span.lowerBound < element { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
