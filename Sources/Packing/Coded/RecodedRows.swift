import Tensors

/// The rows of a packed weight with scales and offsets in another form and the same codes, so that every
/// value stays what it is.
public struct RecodedRows: CodedRows {
  /// The form in which they are.
  public let form: CodedForm
  private let base: any CodedRows
  private let terms: TermRecoding
  private let scaleBytes: ScaleBytes?

  /// Brings rows into another form.
  /// - Throws: `RecodingObstacle` where some value would change, `Problem` of kind `io` where scales cannot
  ///   be read.
  /// - Cost: reads all scales and offsets; memory for those of some rows.
  public init(_ base: any CodedRows, as form: CodedForm) throws {
    try Self.checkCodes(base, form)
    (self.base, self.form) = (base, form)
    scaleBytes = try ScaleBytes(base, to: form)
    terms = try TermRecoding(from: base.form, to: form, columns: base.inputs)
    try check()
  }

  /// The shape of the values.
  public var shape: [Int] { base.shape }

  private static func checkCodes(_ base: any CodedRows, _ form: CodedForm) throws {
    guard base.form.codes == form.codes else {
      throw RecodingObstacle(form.text, base.form.text)
    }
    guard base.form.index == form.index else {
      throw RecodingObstacle("groups of neighbouring columns", "columns in groups of any order")
    }
  }

  /// How many rows are looked at together.
  private static let rows = 64

  private func check() throws {
    for first in stride(from: 0, to: rowCount, by: Self.rows) {
      let rows = first..<min(first + Self.rows, rowCount)
      try withTerms(rows) { _, _ in }
    }
    if form.rows > 1 { try checkSharedRows() }
  }

  /// Refuses rows that have to share scales and do not.
  private func checkSharedRows() throws {
    for matrix in 0..<matrices {
      for first in stride(from: 0, to: matrixRows, by: form.rows) {
        let start = matrix * matrixRows
        let rows = start + first..<start + min(first + form.rows, matrixRows)
        try withTerms(rows) { scales, offsets in
          for index in groups..<max(groups, rows.count * groups)
          where scales[index] != scales[index % groups] || offsets[index] != offsets[index % groups]
          {
            throw RecodingObstacle(
              "one scale for \(form.rows) rows", "rows of different scales among them")
          }
        }
      }
    }
  }

  /// What the scales of a matrix are combined with.
  public func global(_ matrix: Int) throws -> Float {
    try scaleBytes?.globals[matrix] ?? base.global(matrix)
  }

  /// Writes the codes of some columns of neighbouring rows, which are those of before.
  public func codes(
    _ rows: Range<Int>, _ columns: Range<Int>, into codes: UnsafeMutablePointer<UInt8>
  ) throws { try base.codes(rows, columns, into: codes) }

  /// Writes the scales and offsets of neighbouring rows.
  public func terms(
    _ rows: Range<Int>, scales: UnsafeMutablePointer<Float>, offsets: UnsafeMutablePointer<Float>
  ) throws {
    let (count, former) = (groups, base.groups)
    try base.withTerms(rows) { old, oldOffsets in
      for row in 0..<rows.count {
        let (from, fromOffsets) = (old + row * former, oldOffsets + row * former)
        if let scaleBytes {
          try scaleBytes.apply(to: from, former, (rows.lowerBound + row) / matrixRows)
        }
        try terms.apply(from, fromOffsets, to: scales + row * count, offsets + row * count) {
          try isZero(rows.lowerBound + row, group: $0)
        }
      }
    }
  }

  /// Whether all codes of a group are zero, so that its scale means nothing.
  private func isZero(_ row: Int, group: Int) throws -> Bool {
    let size = base.form.group
    let columns = group * size..<min((group + 1) * size, base.inputs)
    guard base.form.index == nil, !columns.isEmpty else { return false }
    return try base.withCodes(row..<row + 1, columns) { codes in
      (0..<columns.count).allSatisfy { codes[$0] == 0 }
    }
  }
}
