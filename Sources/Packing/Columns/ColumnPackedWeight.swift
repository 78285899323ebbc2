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
  static let outputs = 64

  var groups: Int { scales.shape[0] }

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
    try gathered(rows, needed) { streams, window, terms in
      var place = values
      forEachRow(in: run) { row, columns in
        apply(streams, window, terms, rows, row, columns, into: place)
        place += columns.count
      }
    }
  }

  func decode(
    rows: Range<Int>, columns range: Range<Int>, into values: UnsafeMutablePointer<Float>,
    stride: Int
  ) throws {
    for first in Swift.stride(from: rows.lowerBound, to: rows.upperBound, by: Self.outputs) {
      let some = first..<min(first + Self.outputs, rows.upperBound)
      try gathered(some, range) { streams, window, terms in
        for row in some {
          let place = values + (row - rows.lowerBound) * stride
          apply(streams, window, terms, some, row, range, into: place)
        }
      }
    }
  }

  func spacing(_ run: Range<Int>, into values: UnsafeMutablePointer<Float>) throws {
    values.update(repeating: 1, count: run.count)
    var place = values
    try forEachRow(in: run) { row, columns in
      let needed = columnGroups.groups(of: columns, groups)
      try withTerms(row..<row + 1, needed) { terms in
        for index in 0..<needed.count { terms[index] = abs(terms[index]) }
        columnGroups.apply(
          .init(scales: terms, offsets: terms, form: .plain), to: place, columns)
      }
      place += columns.count
    }
  }

  /// Calls `body` with the codes of some rows, each a stream over a window of columns, and their terms.
  private func gathered(
    _ rows: Range<Int>, _ columns: Range<Int>,
    _ body: (UnsafeMutableRawBufferPointer, _ window: Range<Int>, Terms) throws -> Void
  ) throws {
    let window = codes.window(of: columns, self.columns)
    let bytes = rows.count * window.count * codes.width / 8
    try withUnsafeTemporaryAllocation(byteCount: bytes, alignment: 4) { streams in
      try codes.gather(rows, window, into: streams)
      let needed = columnGroups.groups(of: columns, groups)
      try withTerms(rows, needed) { terms in
        try body(streams, window, Terms(values: terms, groups: needed, rows: rows.count))
      }
    }
  }

  /// The scales of some groups of some rows, row by row, and after them the zero points.
  private struct Terms {
    let values: UnsafeMutablePointer<Float>
    let groups: Range<Int>
    let rows: Int
  }

  /// Writes the values of some columns of one of the rows that were gathered.
  private func apply(
    _ streams: UnsafeMutableRawBufferPointer, _ window: Range<Int>, _ terms: Terms,
    _ rows: Range<Int>, _ row: Int, _ columns: Range<Int>, into place: UnsafeMutablePointer<Float>
  ) {
    let (bytes, index) = (window.count * codes.width / 8, row - rows.lowerBound)
    BitStream(
      bytes: .init(rebasing: streams[index * bytes..<(index + 1) * bytes]), width: codes.width
    ).unpack(
      columns.lowerBound - window.lowerBound..<columns.upperBound - window.lowerBound, minus: 0,
      into: place)
    let first = terms.values + index * terms.groups.count
    let skipped =
      columnGroups.groups(of: columns, groups).lowerBound - terms.groups.lowerBound
    columnGroups.apply(
      .init(
        scales: first + skipped, offsets: first + terms.rows * terms.groups.count + skipped,
        form: .centred), to: place, columns)
  }

  /// Calls `body` with the scales of some groups of some rows, row by row, and after them the zero points.
  func withTerms(
    _ rows: Range<Int>, _ needed: Range<Int>,
    _ body: (UnsafeMutablePointer<Float>) throws -> Void
  ) throws {
    let count = rows.count * needed.count
    try withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * count) { terms in
      guard let terms = terms.baseAddress else { return }
      let (stride, width) = (shape[0], scales.type.byteWidth ?? 2)
      for (place, group) in needed.enumerated() {
        let start = (group * stride + rows.lowerBound) * width
        try scales.region.withBytes(in: start..<start + rows.count * width) { bytes in
          for row in 0..<rows.count {
            terms[row * needed.count + place] = FloatBits.load(bytes, row, scales.type)
          }
        }
      }
      try codes.zeros(rows, needed, into: terms + count)
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

  /// Writes the zero points of some groups of some rows, row by row.
  func zeros(_ rows: Range<Int>, _ groups: Range<Int>, into zeros: UnsafeMutablePointer<Float>)
    throws
}
