import Tensors

/// A tensor of blocks that have one scale, or one for 16 values, as rows of codes.
public struct BlockRows: CodedRows {
  /// What the blocks are as codes.
  public let form: CodedForm
  /// The shape of the values.
  public let shape: [Int]
  private let region: ByteRegion
  private let layout: BlockLayout

  /// Nil for a type of other blocks, in which scales have scales.
  /// - Precondition: the region holds as many blocks as the shape says, and rows are whole blocks.
  public init?(_ type: ScalarType, shape: [Int], region: ByteRegion) {
    guard let layout = BlockLayout(type) else { return nil }
    (self.layout, self.shape, self.region) = (layout, shape, region)
    form = layout.form
  }

  private var rowBytes: Int { inputs / layout.size * layout.bytes }

  /// One: blocks have no scale of the matrix.
  public func global(_ matrix: Int) throws -> Float { 1 }

  /// Writes the codes of some columns of neighbouring rows.
  public func codes(
    _ rows: Range<Int>, _ columns: Range<Int>, into codes: UnsafeMutablePointer<UInt8>
  ) throws {
    try withUnsafeTemporaryAllocation(of: UInt8.self, capacity: layout.size) { whole in
      guard let whole = whole.baseAddress else { return }
      for row in rows {
        let place = codes + (row - rows.lowerBound) * columns.count
        try region.withBytes(in: row * rowBytes..<(row + 1) * rowBytes) { bytes in
          let end = (columns.upperBound + layout.size - 1) / layout.size
          for block in columns.lowerBound / layout.size..<end {
            guard let start = bytes.baseAddress else { continue }
            layout.load(BlockBytes(start: start + block * layout.bytes), into: whole)
            let first = block * layout.size
            let part = (first..<first + layout.size).clamped(to: columns)
            (place + (part.lowerBound - columns.lowerBound)).update(
              from: whole + (part.lowerBound - first), count: part.count)
          }
        }
      }
    }
  }

  /// Writes the scales and offsets of neighbouring rows.
  public func terms(
    _ rows: Range<Int>, scales: UnsafeMutablePointer<Float>, offsets: UnsafeMutablePointer<Float>
  ) throws {
    let (blocks, groups) = (inputs / layout.size, layout.size / form.group)
    for row in rows {
      let place = (row - rows.lowerBound) * blocks * groups
      try region.withBytes(in: row * rowBytes..<(row + 1) * rowBytes) { bytes in
        guard let start = bytes.baseAddress else { return }
        for block in 0..<blocks {
          let from = BlockBytes(start: start + block * layout.bytes)
          for group in 0..<groups {
            let index = place + block * groups + group
            (scales[index], offsets[index]) = try layout.terms(from, group)
          }
        }
      }
    }
  }

  /// The blocks of rows of codes.
  /// - Throws: `RecodingObstacle` where the type does not hold some scale.
  public static func region(_ type: ScalarType, of rows: any CodedRows) throws -> ByteRegion? {
    guard let layout = BlockLayout(type) else { return nil }
    try layout.checkScales(of: rows)
    let (size, columns, groups) = (layout.size, rows.inputs, rows.groups)
    let (blocks, perBlock) = (columns / size, size / layout.form.group)
    return LineBytes.region(lines: rows.rowCount, length: blocks * layout.bytes) { lines, place in
      try rows.withCodes(lines, 0..<columns) { codes in
        try rows.withTerms(lines) { scales, offsets in
          for line in 0..<lines.count {
            for block in 0..<blocks {
              let first = line * groups + block * perBlock
              layout.store(
                codes + line * columns + block * size, scales + first, offsets + first,
                into: place + (line * blocks + block) * layout.bytes)
            }
          }
        }
      }
    }
  }

  /// What rows of codes are as blocks of a type; nil for a type of other blocks.
  public static func form(of type: ScalarType) -> CodedForm? { BlockLayout(type)?.form }

  /// The types into which codes are written, in the order in which they are tried.
  public static let types: [ScalarType] = [
    .q4Zero, .q4One, .q5Zero, .q5One, .q8Zero, .mxfp4, .nvfp4,
  ]
}
