import Tensors

/// A weight whose codes lie input by input, as GPTQ and AWQ store them: what belongs to one output is
/// spread over the whole tensor.
struct ColumnPackedWeight: PackedWeight {
  let shape: [Int]
  let scheme: PackingScheme
  let parts: [PackedPart]
  let codes: any ColumnCodes
  /// Scales as they lie, groups × outputs.
  let scales: PackedPart
  let columnGroups: ColumnGroups

  /// How many outputs are read together: their words share a line of the processor's cache.
  private static let outputs = 16

  private var groups: Int { scales.shape[0] }

  func decode(_ run: Range<Int>, into values: UnsafeMutablePointer<Float>) throws {
    var start = run.lowerBound
    while start < run.upperBound {
      let row = start / columns
      let end = min(run.upperBound, (row + Self.outputs) * columns)
      try decode(
        row..<(end + columns - 1) / columns, start..<end, into: values + (start - run.lowerBound))
      start = end
    }
  }

  /// Writes a run of values that lies in some rows.
  private func decode(
    _ rows: Range<Int>, _ run: Range<Int>, into values: UnsafeMutablePointer<Float>
  ) throws {
    let row = rows.lowerBound * columns
    let needed = rows.count == 1 ? run.lowerBound - row..<run.upperBound - row : 0..<columns
    let window = codes.window(of: needed, columns)
    let bytes = window.count * codes.width / 8
    try withUnsafeTemporaryAllocation(byteCount: rows.count * bytes, alignment: 4) { gathered in
      try codes.gather(rows, window, into: gathered)
      try withTerms(rows) { terms in
        var place = values
        forEachRow(in: run) { row, columns in
          let part = gathered[(row - rows.lowerBound) * bytes..<(row - rows.lowerBound + 1) * bytes]
          BitStream(bytes: .init(rebasing: part), width: codes.width).unpack(
            columns.lowerBound - window.lowerBound..<columns.upperBound - window.lowerBound,
            minus: 0, into: place)
          let first =
            (row - rows.lowerBound) * groups + columnGroups.groups(of: columns, groups).lowerBound
          columnGroups.apply(
            .init(
              scales: terms + first, offsets: terms + rows.count * groups + first, form: .centred),
            to: place, columns)
          place += columns.count
        }
      }
    }
  }

  /// Calls `body` with the scales of some rows, row by row, and after them the zero points.
  private func withTerms(
    _ rows: Range<Int>, _ body: (UnsafeMutablePointer<Float>) throws -> Void
  ) throws {
    try withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * rows.count * groups) { terms in
      guard let terms = terms.baseAddress else { return }
      let (stride, width) = (shape[0], scales.type.byteWidth ?? 2)
      for group in 0..<groups {
        let start = (group * stride + rows.lowerBound) * width
        try scales.region.withBytes(in: start..<start + rows.count * width) { bytes in
          for row in 0..<rows.count {
            terms[row * groups + group] = FloatBits.load(bytes, row, scales.type)
          }
        }
      }
      try codes.zeros(rows, groups, into: terms + rows.count * groups)
      try body(terms)
    }
  }
}

/// Codes that lie input by input, with their zero points.
protocol ColumnCodes: Sendable {
  /// The width of a code where it was gathered.
  /// - Units: bits.
  var width: Int { get }

  /// The codes of a row that are gathered where some are needed.
  func window(of columns: Range<Int>, _ count: Int) -> Range<Int>

  /// Brings together the codes of some rows, row by row, each a stream.
  func gather(_ rows: Range<Int>, _ columns: Range<Int>, into place: UnsafeMutableRawBufferPointer)
    throws

  /// Writes the zero points of some rows, row by row.
  func zeros(_ rows: Range<Int>, _ groups: Int, into zeros: UnsafeMutablePointer<Float>) throws
}
