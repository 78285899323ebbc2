import Tensors

/// A weight whose values are packed into several stored tensors, read as the matrix it stands for.
///
/// A conforming type is made of parts whose types and shapes were checked, so that decoding needs no
/// further checks of them; what only bytes can say, such as an index that is out of range, is checked
/// when the weight is made or thrown by `decode`.
public protocol PackedWeight: Sendable {
  /// The shape of the values; the last axis is that of the inputs, K, whatever lies in the file.
  var shape: [Int] { get }
  /// How the values are packed.
  var scheme: PackingScheme { get }
  /// The stored tensors, the codes first.
  var parts: [PackedPart] { get }

  /// Writes a run of values, as the library that packed them computes them in F32, bit for bit.
  /// - Parameter run: counted row-major over `shape`.
  /// - Throws: `Problem` of kind `io` where bytes cannot be read.
  func decode(_ run: Range<Int>, into values: UnsafeMutablePointer<Float>) throws

  /// Writes some columns of consecutive rows, all matrices being one list of rows.
  ///
  /// Weights whose rows lie apart from each other in the file read several of them at once.
  /// - Parameter stride: the distance of the rows that are written.
  /// - Throws: as `decode`.
  func decode(
    rows: Range<Int>, columns: Range<Int>, into values: UnsafeMutablePointer<Float>, stride: Int)
    throws

  /// Writes how far apart the levels lie to which a run of values was rounded: a value is off by no more
  /// than about half of that, and in the mean by its twelfth part, both squared.
  /// - Throws: as `decode`.
  func spacing(_ run: Range<Int>, into values: UnsafeMutablePointer<Float>) throws

  /// The weight as rows of 4-bit integers; nil for one that is packed otherwise.
  var nibbles: NibbleRows? { get }
}

extension PackedWeight {
  /// The number of values.
  public var count: Int { shape.reduce(1, *) }

  /// The inputs of a row, K.
  public var columns: Int { shape.last ?? 1 }

  /// Calls `body` with the pieces of a run of values that lie in one row each.
  public func forEachRow(
    in run: Range<Int>, _ body: (_ row: Int, _ columns: Range<Int>) throws -> Void
  )
    rethrows
  {
    var start = run.lowerBound
    while start < run.upperBound {
      let (row, column) = start.quotientAndRemainder(dividingBy: columns)
      let end = min(run.upperBound, start - column + columns)
      try body(row, column..<column + end - start)
      start = end
    }
  }

  /// Decodes row by row.
  public func decode(
    rows: Range<Int>, columns range: Range<Int>, into values: UnsafeMutablePointer<Float>,
    stride: Int
  ) throws {
    for row in rows {
      let start = row * columns
      try decode(
        start + range.lowerBound..<start + range.upperBound,
        into: values + (row - rows.lowerBound) * stride)
    }
  }

  /// None.
  public var nibbles: NibbleRows? { nil }

  /// The values as the bytes of an F32 tensor, decoded whenever they are asked for.
  public var unpacked: ByteRegion { ByteRegion(UnpackedBytes(self)) }
}
