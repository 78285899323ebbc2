/// Which columns of a weight share a scale.
struct ColumnGroups: Sendable {
  /// How many neighbours form a group; the last one may be shorter.
  let size: Int
  /// The group of each column, where groups are not neighbours.
  var index: [Int32]?

  /// How offsets take part.
  enum Form { case plain, biased, centred }

  /// The scales of the groups that some columns touch, and their offsets.
  struct Terms {
    let scales: UnsafePointer<Float>
    let offsets: UnsafePointer<Float>
    let form: Form
  }

  /// The groups that some columns touch.
  func groups(of columns: Range<Int>, _ count: Int) -> Range<Int> {
    index == nil ? columns.lowerBound / size..<(columns.upperBound + size - 1) / size : 0..<count
  }

  /// Turns the numbers of some columns into values.
  func apply(_ terms: Terms, to values: UnsafeMutablePointer<Float>, _ columns: Range<Int>) {
    if let index { return apply(terms, to: values, columns, index) }
    var (column, place, group) = (columns.lowerBound, values, 0)
    while column < columns.upperBound {
      let end = min((column / size + 1) * size, columns.upperBound)
      Self.apply(terms, group, to: place, end - column)
      (place, group, column) = (place + (end - column), group + 1, end)
    }
  }

  @inline(__always)
  private static func apply(
    _ terms: Terms, _ group: Int, to values: UnsafeMutablePointer<Float>, _ count: Int
  ) {
    let (scale, offset) = (terms.scales[group], terms.offsets[group])
    switch terms.form {
    case .plain: for place in 0..<count { values[place] = values[place] * scale }
    case .biased: for place in 0..<count { values[place] = values[place] * scale + offset }
    case .centred: for place in 0..<count { values[place] = (values[place] - offset) * scale }
    }
  }

  private func apply(
    _ terms: Terms, to values: UnsafeMutablePointer<Float>, _ columns: Range<Int>, _ index: [Int32]
  ) {
    index.withUnsafeBufferPointer { index in
      for (place, column) in columns.enumerated() {
        Self.apply(terms, Int(index[column]), to: values + place, 1)
      }
    }
  }
}
