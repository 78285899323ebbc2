import Tensors

/// A weight of rows of codes in which neighbours share a scale, as most libraries pack them.
struct GroupedWeight: PackedWeight {
  /// How a code becomes the number that its scale multiplies.
  enum Offset: Sendable {
    /// Added to the scaled number.
    case bias(GroupScales)
    /// Taken from the number before it is scaled.
    case zero(GroupScales)
    /// The same, packed along the rows.
    case packedZero(PackedZeros)
  }

  let shape: [Int]
  let scheme: PackingScheme
  let parts: [PackedPart]
  let codes: CodeRows
  let scales: GroupScales
  var offset: Offset?
  let columnGroups: ColumnGroups

  func decode(_ run: Range<Int>, into values: UnsafeMutablePointer<Float>) throws {
    try withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * scales.count) { scratch in
      guard let scratch = scratch.baseAddress else { return }
      var place = values
      try forEachRow(in: run) { row, columns in
        try codes.load(row, columns, into: place)
        let groups = columnGroups.groups(of: columns, scales.count)
        try scales.load(row, groups, into: scratch)
        let offsets = scratch + scales.count
        let form = try loadOffsets(row, groups, into: offsets)
        columnGroups.apply(
          .init(scales: scratch, offsets: offsets, form: form), to: place, columns)
        place += columns.count
      }
    }
  }

  func spacing(_ run: Range<Int>, into values: UnsafeMutablePointer<Float>) throws {
    try withUnsafeTemporaryAllocation(of: Float.self, capacity: scales.count) { scratch in
      guard let scratch = scratch.baseAddress else { return }
      var place = values
      try forEachRow(in: run) { row, columns in
        try codes.loadSpacing(row, columns, into: place)
        let groups = columnGroups.groups(of: columns, scales.count)
        try scales.load(row, groups, into: scratch)
        for index in 0..<groups.count { scratch[index] = abs(scratch[index]) }
        columnGroups.apply(
          .init(scales: scratch, offsets: scratch, form: .plain), to: place, columns)
        place += columns.count
      }
    }
  }

  private func loadOffsets(
    _ row: Int, _ groups: Range<Int>, into offsets: UnsafeMutablePointer<Float>
  ) throws -> ColumnGroups.Form {
    switch offset {
    case .bias(let biases):
      try biases.load(row, groups, into: offsets)
      return .biased
    case .zero(let zeros):
      try zeros.load(row, groups, into: offsets)
      return .centred
    case .packedZero(let zeros):
      try zeros.load(row, groups, into: offsets)
      return .centred
    case nil: return .plain
    }
  }
}
