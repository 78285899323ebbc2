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

  /// The values as the bytes of an F32 tensor, decoded whenever they are asked for.
  public var unpacked: ByteRegion {
    ByteRegion(
      DeferredBytes(count: count * 4) { range, place in
        let run = range.lowerBound / 4..<(range.upperBound + 3) / 4
        let values = place.bindMemory(to: Float.self)
        if run.count * 4 == range.count, let start = values.baseAddress {
          return try decode(run, into: start)
        }
        // The first or the last value is asked for in part.
        try withUnsafeTemporaryAllocation(of: Float.self, capacity: run.count) { whole in
          guard let start = whole.baseAddress else { return }
          try decode(run, into: start)
          let first = range.lowerBound - run.lowerBound * 4
          place.copyBytes(from: UnsafeRawBufferPointer(whole)[first..<first + range.count])
        }
      })
  }
}
