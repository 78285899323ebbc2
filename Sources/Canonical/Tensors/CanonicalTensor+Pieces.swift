import Packing
import Tensors

extension CanonicalTensor {
  /// Tensors of several types end to end along axis 0, their values as F32; nil where one has no values of its
  /// own, or they do not lie in order.
  /// - Cost: nothing; values are widened when they are read.
  public init?(widening pieces: [CanonicalTensor]) {
    guard let first = pieces.first, pieces.allSatisfy(\.canBeWidened) else { return nil }
    let rows = pieces.reduce(0) { $0 + ($1.shape.first ?? 0) }
    let values = PieceValues(pieces)
    let shape = [rows] + first.shape.dropFirst()
    self.init(
      shape: shape, type: .f32,
      region: ByteRegion(DeferredBytes(count: 4 * values.count, fill: values.fill)),
      view: StridedView(contiguous: shape), origin: first.origin)
    (self.pieces, isJoined) = (pieces, true)
  }

  private var canBeWidened: Bool {
    isComputable && !type.isBlock && steps.isEmpty
      && view.simplified == StridedView(contiguous: shape).simplified
  }

  /// Reads elements that lie together in the stored tensor as canonical values.
  /// - Throws: `Problem` of kind `io` where they cannot be read.
  /// - Precondition: the run begins and ends between blocks.
  public func load(_ run: Range<Int>, into values: UnsafeMutablePointer<Float>) throws {
    let unit = type.unit
    let bytes =
      run.lowerBound / unit.elements * unit.bytes..<run.upperBound / unit.elements * unit.bytes
    try region.withBytes(in: bytes) {
      StoredValues.load($0, 0..<run.count, type, into: values)
    }
    try restore(values, run)
  }

  /// Some rows of the one piece that holds all of them, in its own type; nil where several do.
  func rowsOfPiece(_ range: Range<Int>) -> CanonicalTensor? {
    var first = 0
    for piece in pieces {
      let rows = first..<first + (piece.shape.first ?? 0)
      if rows.lowerBound <= range.lowerBound, range.upperBound <= rows.upperBound {
        return piece.rows(range.lowerBound - first..<range.upperBound - first)
      }
      first = rows.upperBound
    }
    return nil
  }
}

/// The values of tensors end to end, as the bytes of F32.
private struct PieceValues: Sendable {
  private let pieces: [CanonicalTensor]
  /// The first value of each piece, and their number.
  private let starts: [Int]

  init(_ pieces: [CanonicalTensor]) {
    self.pieces = pieces
    starts = pieces.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }
  }

  /// The number of values.
  var count: Int { starts[pieces.count] }

  /// Writes some of the bytes.
  @Sendable func fill(_ range: Range<Int>, _ place: UnsafeMutableRawBufferPointer) throws {
    let whole = range.lowerBound / 4..<(range.upperBound + 3) / 4
    let values = OwnedBytes(count: 4 * whole.count)
    try values.mutableBytes.withMemoryRebound(to: Float.self) { floats in
      if let base = floats.baseAddress { try load(whole, into: base) }
    }
    let first = range.lowerBound - 4 * whole.lowerBound
    place.copyMemory(from: .init(rebasing: values.bytes[first..<first + range.count]))
  }

  private func load(_ run: Range<Int>, into values: UnsafeMutablePointer<Float>) throws {
    for (index, piece) in pieces.enumerated() {
      let own = run.clamped(to: starts[index]..<starts[index + 1])
      guard !own.isEmpty else { continue }
      try piece.load(
        own.lowerBound - starts[index]..<own.upperBound - starts[index],
        into: values + (own.lowerBound - run.lowerBound))
    }
  }
}
