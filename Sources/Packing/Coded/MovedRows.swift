import Tensors

/// Rows of packed weights in another order, or put together from several weights that are packed alike.
public struct MovedRows: CodedRows {
  /// What codes are, with groups that columns leave whole.
  public let form: CodedForm
  /// The shape of the values.
  public let shape: [Int]
  private let sources: [any CodedRows]
  private let order: RowOrder
  /// The group of the source that each group is; nil where all stay.
  private let groupOrder: [Int]?
  private let globals: [Float]

  /// How often groups are halved so that their columns move together.
  private static let divisors = [1, 2, 4, 8, 16]

  /// Puts rows of sources together.
  /// - Throws: `RecodingObstacle` where the sources are packed in different ways, have scales of different
  ///   matrices, or columns leave their group.
  public init(_ sources: [any CodedRows], _ order: RowOrder, shape: [Int]) throws {
    let forms = sources.map(\.form)
    guard let first = forms.first, forms.allSatisfy({ $0 == first }) else {
      let texts = Set(forms.map(\.text)).sorted()
      if texts.count == 1 {
        throw RecodingObstacle(
          "columns of all parts in the same groups", "each in groups of its own")
      }
      throw RecodingObstacle("parts that are packed alike", texts.joined(separator: "; "))
    }
    let width = shape.last ?? 1
    if let fitting = Self.moved(first, order.columns, width) {
      form = fitting.form
      groupOrder = fitting.groups
      self.sources = try sources.map { try Self.regrouped($0, to: fitting.form.group) }
    } else if let whole = try? sources.map({ try Self.regrouped($0, to: width) }) {
      // All groups of a row have one scale, so that columns may lie in any order.
      var form = first
      (form.group, form.rows) = (width, 1)
      (self.form, self.sources, groupOrder) = (form, whole, nil)
    } else {
      throw RecodingObstacle(
        "columns that move by whole groups", "groups of \(first.group) that would be torn apart")
    }
    (self.order, self.shape) = (order, shape)
    globals = try Self.globals(sources, order, shape)
  }

  private static func regrouped(_ source: any CodedRows, to group: Int) throws -> any CodedRows {
    var form = source.form
    guard form.group != group, form.index == nil else { return source }
    form.group = group
    return try RecodedRows(source, as: form)
  }

  /// The form after columns moved, with groups that are small enough for it, and the order of groups; nil
  /// where groups would be torn apart.
  private static func moved(_ form: CodedForm, _ columns: [Int]?, _ width: Int)
    -> (form: CodedForm, groups: [Int]?)?
  {
    var form = form
    form.rows = 1
    guard let columns else { return (form, nil) }
    if let index = form.index {
      form.index = columns.map { index[$0] }
      return (form, nil)
    }
    if form.group >= width { return (form, nil) }
    for divisor in divisors where form.group % divisor == 0 {
      let size = form.group / divisor
      guard width % size == 0 else { continue }
      let groups = (0..<width / size).map { columns[$0 * size] / size }
      if columns.indices.allSatisfy({ columns[$0] / size == groups[$0 / size] }) {
        form.group = size
        return (form, groups)
      }
    }
    return nil
  }

  private static func globals(_ sources: [any CodedRows], _ order: RowOrder, _ shape: [Int]) throws
    -> [Float]
  {
    guard let form = sources.first?.form, form.global != .none else { return [] }
    let rows = shape.dropLast().last ?? 1
    var globals: [Float?] = Array(repeating: nil, count: shape.dropLast(2).reduce(1, *))
    for run in order.runs {
      let source = sources[run.source]
      for matrix in run.row / source.matrixRows...(run.row + run.count - 1) / source.matrixRows {
        let number = try source.global(matrix)
        let start = run.target + max(0, matrix * source.matrixRows - run.row)
        let end = min(
          run.target + run.count, run.target + (matrix + 1) * source.matrixRows - run.row)
        for target in start / rows...(end - 1) / rows {
          if let known = globals[target], known != number {
            throw RecodingObstacle(
              "one scale for the matrix", "joined matrices of different scales")
          }
          globals[target] = number
        }
      }
    }
    return globals.map { $0 ?? 1 }
  }

  /// What the scales of a matrix are combined with, which all its rows had.
  public func global(_ matrix: Int) throws -> Float { globals.isEmpty ? 1 : globals[matrix] }

  /// Writes the codes of some columns of neighbouring rows.
  public func codes(
    _ rows: Range<Int>, _ columns: Range<Int>, into codes: UnsafeMutablePointer<UInt8>
  ) throws {
    try forEachRun(in: rows) { source, from, place in
      let target = codes + place * columns.count
      guard let moved = order.columns else {
        return try source.codes(from, columns, into: target)
      }
      try source.withCodes(from, 0..<inputs) { all in
        for row in 0..<from.count {
          for (index, column) in columns.enumerated() {
            target[row * columns.count + index] = all[row * inputs + moved[column]]
          }
        }
      }
    }
  }

  /// Writes the scales and offsets of neighbouring rows.
  public func terms(
    _ rows: Range<Int>, scales: UnsafeMutablePointer<Float>, offsets: UnsafeMutablePointer<Float>
  ) throws {
    let count = groups
    try forEachRun(in: rows) { source, from, place in
      let (own, others) = (scales + place * count, offsets + place * count)
      guard let moved = groupOrder else {
        return try source.terms(from, scales: own, offsets: others)
      }
      try source.withTerms(from) { scales, offsets in
        for row in 0..<from.count {
          for (group, former) in moved.enumerated() {
            own[row * count + group] = scales[row * count + former]
            others[row * count + group] = offsets[row * count + former]
          }
        }
      }
    }
  }

  /// Calls `body` with the sources of some rows, the rows there, and how many rows came before.
  private func forEachRun(
    in rows: Range<Int>, _ body: (any CodedRows, Range<Int>, Int) throws -> Void
  ) rethrows {
    var index = firstRun(reaching: rows.lowerBound)
    while index < order.runs.count, order.runs[index].target < rows.upperBound {
      let run = order.runs[index]
      let part = (run.target..<run.target + run.count).clamped(to: rows)
      let row = run.row + part.lowerBound - run.target
      if !part.isEmpty {
        try body(sources[run.source], row..<row + part.count, part.lowerBound - rows.lowerBound)
      }
      index += 1
    }
  }

  private func firstRun(reaching row: Int) -> Int {
    var (low, high) = (0, order.runs.count)
    while low < high {
      let middle = (low + high) / 2
      if order.runs[middle].target + order.runs[middle].count <= row {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return low
  }
}
