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
    var count = 0
    for chunk in pieces {
      let elements = try Self.check(chunk, inside: shape)
      // No sum of parts of a tensor overflows unless they overlap.
      let (sum, overflow) = count.addingReportingOverflow(elements)
      guard !overflow, sum <= total else { throw Self.problem("the pieces overlap", shape) }
      count = sum
      if elements > 0 || (total == 0 && chunks.isEmpty) { chunks.append(chunk) }
    }
    guard count == total, !chunks.isEmpty else {
      throw Self.problem("the pieces do not cover the tensor", shape)
    }
    self.chunks = chunks.sorted { ($0.offsets.first ?? 0) < ($1.offsets.first ?? 0) }
    try checkOverlap(mostPairs)
  }

  private static func problem(_ what: String, _ shape: [Int]) -> Problem {
    Problem(.invalid, "\(what) of a distributed tensor", expected: TensorShape.text(shape))
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
        found: "\(TensorShape.text(chunk.shape)) at \(TensorShape.text(chunk.offsets))")
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
        guard !isShared else { throw Self.problem("the pieces overlap", shape) }
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
    let moves = zip(regions, chunks.map(pairing)).map { ($0, $1) }
    return ByteRegion(
      DeferredBytes(count: size) { range, buffer in
        for (piece, pairing) in moves {
          try pairing.gather(range, from: piece, width: width, into: buffer)
        }
      })
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
