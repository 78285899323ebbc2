import Tensors

/// Packs a weight into floats of 8 bits with a scale for each block of rows and columns, the form of
/// Qwen's and DeepSeek's own FP8 checkpoints.
///
/// The scale is the largest magnitude of a block over 448, rounded to the type in which it is stored; values
/// are divided by it as it is stored. Blocks at the ends of a matrix may be smaller.
public struct FP8BlockEncoder: WeightEncoder {
  /// How the values are packed.
  public let scheme: PackingScheme
  /// The stored tensors, the codes first.
  public let parts: [EncodedPart]
  private let columns: Int
  private let rows: Int
  private let block: Int
  private let type: ScalarType
  /// The scales once the values were seen.
  private var scales: [Float] = []

  private static let largest: Float = 448

  /// - Parameters:
  ///   - shape: that of the weight.
  ///   - block: the rows and the columns of a block.
  ///   - type: that of the weight before it is packed. Scales of a BF16 weight are BF16, others F32.
  /// - Precondition: the shape has at least two axes, none of them empty.
  public init(shape: [Int], block: Int = 128, type: ScalarType) {
    (rows, columns) = (shape[shape.count - 2], shape[shape.count - 1])
    self.block = block
    self.type = type == .bf16 ? .bf16 : .f32
    scheme = PackingScheme(method: "FP8 blocks", bits: 8, group: nil)
    let grid = [rows, columns].map { ($0 + block - 1) / block }
    parts = [
      EncodedPart(
        ending: ".weight", type: .f8E4M3, shape: shape, unit: .init(values: 1, bytes: 1)),
      EncodedPart(
        ending: ".weight_scale_inv", type: self.type, shape: shape.dropLast(2) + grid,
        unit: .init(values: 1, bytes: 0)),
    ]
  }

  /// The encoder with the scales of all blocks.
  public func measured(
    _ forEach: (_ body: (Range<Int>, UnsafePointer<Float>) throws -> Void) throws -> Void
  ) throws -> Self {
    var largest = [Float](repeating: 0, count: parts[1].shape.reduce(1, *))
    try largest.withUnsafeMutableBufferPointer { largest in
      try forEach { run, values in
        forEachPiece(of: run) { piece, block in
          largest[block] = max(
            largest[block], Self.largest(values + (piece.lowerBound - run.lowerBound), piece.count))
        }
      }
    }
    var copy = self
    copy.scales = largest.map { largest in
      let scale = largest / Self.largest
      let stored = FloatBits.rounded(scale, to: type)
      return stored > 0 ? stored : 1
    }
    return copy
  }

  private static func largest(_ values: UnsafePointer<Float>, _ count: Int) -> Float {
    let start = UnsafeRawPointer(values)
    var lanes = SIMD8<UInt32>()
    let whole = count & ~7
    for index in stride(from: 0, to: whole, by: 8) {
      let bits = start.loadUnaligned(fromByteOffset: index &* 4, as: SIMD8<UInt32>.self)
      let magnitude = bits & 0x7fff_ffff
      lanes.replace(with: magnitude, where: magnitude .> lanes)
    }
    return (whole..<count).reduce(Float(bitPattern: lanes.max())) { max($0, abs(values[$1])) }
  }

  /// Calls `body` with the pieces of a run that lie in one row of one block each.
  @inline(__always)
  private func forEachPiece(of run: Range<Int>, _ body: (Range<Int>, Int) -> Void) {
    let across = (columns + block - 1) / block
    let down = (rows + block - 1) / block
    var start = run.lowerBound
    while start < run.upperBound {
      let (row, column) = start.quotientAndRemainder(dividingBy: columns)
      let (matrix, inside) = row.quotientAndRemainder(dividingBy: rows)
      let place = column / block
      let end = min(run.upperBound, start - column + min((place + 1) * block, columns))
      body(start..<end, (matrix * down + inside / block) * across + place)
      start = end
    }
  }

  /// The scales once they are measured; nil for the codes.
  public func bytes(of part: Int) -> [UInt8]? {
    guard part == 1 else { return nil }
    let width = type.unit.bytes
    return [UInt8](unsafeUninitializedCapacity: scales.count * width) { buffer, filled in
      if let start = buffer.baseAddress {
        _ = FloatBits.store(scales, count: scales.count, to: start, type)
      }
      filled = scales.count * width
    }
  }

  /// Rounds a run of values into a part.
  public func encode(
    _ run: Range<Int>, _ values: UnsafePointer<Float>, part: Int, to place: UnsafeMutableRawPointer
  ) -> RoundingError {
    var error = RoundingError()
    forEachPiece(of: run) { piece, block in
      let start = piece.lowerBound - run.lowerBound
      error += FloatBits.pack8(
        values + start, piece.count, over: scales[block], to: place + start)
    }
    return error
  }
}
