import Tensors

/// The size of the blocks of a matrix whose elements share a scale.
public struct BlockSize: Hashable, Sendable {
  /// The rows of a block.
  public let rows: Int
  /// The columns of a block.
  public let columns: Int

  /// A size.
  /// - Precondition: both are positive.
  public init(rows: Int, columns: Int) {
    precondition(rows > 0 && columns > 0)
    self.rows = rows
    self.columns = columns
  }

  /// The shape of the scales of a stored tensor whose last two axes are cut into blocks; the last
  /// block of an axis may be short.
  public func grid(of shape: [Int]) -> [Int] {
    guard shape.count >= 2 else { return [] }
    let (height, width) = (shape[shape.count - 2], shape[shape.count - 1])
    return shape.dropLast(2)
      + [(height + rows - 1) / rows, (width + columns - 1) / columns].map { max($0, 0) }
  }
}

/// The scales of a stored tensor.
///
/// A class, because models hold hundreds of thousands of them beside their tensors, most without any: a reference is
/// smaller than room for all of it.
///
/// Element (e, n, k) has the value `stored[e, n, k] · scale[e, n / rows, k / columns]`, rounded once,
/// to F32. The leading axes, such as that of the experts, have scales of their own.
public final class BlockScales: Sendable {
  /// The bytes of the scales, row-major over the grid.
  public let region: ByteRegion
  /// The type of the scales; F8_E8M0, or the U8 that stands for it, means 2^(byte - 127).
  public let type: ScalarType
  /// The size of a block.
  public let size: BlockSize
  /// Whether the config asks for one scale per tensor and not for blocks.
  public let isPerTensor: Bool
  /// The rows of each matrix of the stored tensor.
  public let rows: Int
  /// The columns of each matrix of the stored tensor.
  public let columns: Int
  /// The name under which the scales are stored.
  public let origin: String

  /// The scales of a stored tensor.
  /// - Parameters:
  ///   - region: as many scales as `size.grid(of: shape)` has places.
  ///   - shape: the shape of the stored tensor, two axes at least.
  public init(
    region: ByteRegion, type: ScalarType, size: BlockSize, isPerTensor: Bool, shape: [Int],
    origin: String
  ) {
    self.region = region
    self.type = type
    self.size = size
    self.isPerTensor = isPerTensor
    rows = shape[shape.count - 2]
    columns = shape[shape.count - 1]
    self.origin = origin
  }

  /// The types that scales may have.
  public static let types: [ScalarType] = [.f32, .bf16, .f16, .f8E8M0, .u8]

  /// The rows of the grid of each matrix.
  public var gridRows: Int { (rows + size.rows - 1) / size.rows }

  /// The columns of the grid of each matrix.
  public var gridColumns: Int { (columns + size.columns - 1) / size.columns }

  /// Calls `body` for pieces of a run of stored elements and the scale of their block.
  /// - Throws: `Problem` of kind `io` where the scales cannot be read.
  public func forEachBlock(in run: Range<Int>, _ body: (Range<Int>, Float) -> Void) throws {
    let loaded = type == .u8 ? .f8E8M0 : type
    let width = type.unit.bytes
    var start = run.lowerBound
    while start < run.upperBound {
      let (row, column) = start.quotientAndRemainder(dividingBy: columns)
      let end = min(run.upperBound, start - column + columns)
      let line = (row / rows * gridRows + row % rows / size.rows) * gridColumns
      let places = column / size.columns...(column + end - start - 1) / size.columns
      let stored = (line + places.lowerBound) * width..<(line + places.upperBound + 1) * width
      try region.withBytes(in: stored) { bytes in
        for place in places {
          let blockEnd = min(end, start - column + (place + 1) * size.columns)
          let blockStart = max(start, start - column + place * size.columns)
          body(blockStart..<blockEnd, FloatBits.load(bytes, place - places.lowerBound, loaded))
        }
      }
      start = end
    }
  }
}
