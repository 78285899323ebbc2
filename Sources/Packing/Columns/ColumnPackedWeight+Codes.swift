import Tensors

extension ColumnPackedWeight: CodedRows {
  var form: CodedForm {
    var form = CodedForm(
      codes: .integers(bits: scheme.bits), group: columnGroups.size, scales: .float(scales.type),
      offset: .zeros)
    form.index = columnGroups.index
    return form
  }

  func codes(
    _ rows: Range<Int>, _ columns: Range<Int>, into place: UnsafeMutablePointer<UInt8>
  ) throws {
    for first in stride(from: rows.lowerBound, to: rows.upperBound, by: Self.outputs) {
      let lines = first..<min(first + Self.outputs, rows.upperBound)
      let window = codes.window(of: columns, self.columns)
      let bytes = window.count * codes.width / 8
      try withUnsafeTemporaryAllocation(byteCount: lines.count * bytes, alignment: 4) { gathered in
        try codes.gather(lines, window, into: gathered)
        for row in 0..<lines.count {
          let stream = BitStream(
            bytes: .init(rebasing: gathered[row * bytes..<(row + 1) * bytes]), width: codes.width)
          stream.load(
            columns.lowerBound - window.lowerBound..<columns.upperBound - window.lowerBound,
            into: place + (lines.lowerBound + row - rows.lowerBound) * columns.count)
        }
      }
    }
  }

  func terms(
    _ rows: Range<Int>, scales: UnsafeMutablePointer<Float>, offsets: UnsafeMutablePointer<Float>
  ) throws {
    let count = rows.count * groups
    try withTerms(rows, 0..<groups) { terms in
      scales.update(from: terms, count: count)
      offsets.update(from: terms + count, count: count)
    }
  }

  func global(_ matrix: Int) throws -> Float { 1 }
}
