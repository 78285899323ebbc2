import Tensors

/// In which order the columns of a matrix lie in its stored rows.
struct ColumnOrder: Hashable, Sendable {
  /// Neighbours on both sides.
  struct Run: Hashable, Sendable {
    /// The first column.
    var column: Int
    /// Where it lies, counted from the place of the row.
    var place: Int
    var count: Int
  }

  /// All columns, from the first to the last.
  let runs: [Run]

  /// The rows of a view that are not whole in the stored tensor, each with its columns in the same order;
  /// nil where they lie otherwise.
  /// - Returns: the order, and the place from which each row is counted.
  static func read(_ view: StridedView, rows: Int, columns: Int) -> (
    order: ColumnOrder, places: [Int]
  )? {
    guard rows > 0, columns > 0, view.count == rows * columns else { return nil }
    var (outer, inner) = (view.simplified.axes, [StridedView.Axis]())
    var left = columns
    while left > 1, let axis = outer.popLast() {
      if left % axis.count == 0 {
        (inner, left) = ([axis] + inner, left / axis.count)
      } else {
        guard axis.table == nil, axis.count % left == 0 else { return nil }
        outer.append(.init(axis.count / left, axis.stride * left))
        (inner, left) = ([.init(left, axis.stride)] + inner, 1)
      }
    }
    let positions = StridedView(offset: 0, axes: inner).positions
    let places = StridedView(offset: view.simplified.offset, axes: outer).positions
    guard positions.count == columns, places.count == rows else { return nil }
    return (ColumnOrder(positions), places)
  }

  private init(_ positions: [Int]) {
    var runs: [Run] = []
    for (column, place) in positions.enumerated() {
      if let last = runs.last, last.place + last.count == place {
        runs[runs.count - 1].count += 1
      } else {
        runs.append(Run(column: column, place: place, count: 1))
      }
    }
    self.runs = runs
  }

  /// Whether the columns fill the row from its place on, so that a row can be read as it lies by who puts
  /// its inputs in the same order.
  var isPermutation: Bool {
    let count = runs.reduce(0) { $0 + $1.count }
    return runs.allSatisfy { $0.place >= 0 && $0.place + $0.count <= count }
      && Set(runs.map(\.place)).count == runs.count
  }

  /// Puts rows of inputs into the order in which columns lie.
  /// - Shape: `x` and `target` `[rows, columns]`.
  func arrange(
    _ x: UnsafePointer<Float>, rows: Int, columns: Int, to target: UnsafeMutablePointer<Float>
  ) {
    for row in 0..<rows {
      for run in runs {
        (target + row * columns + run.place).update(
          from: x + row * columns + run.column, count: run.count)
      }
    }
  }

  /// Calls `body` with the pieces of runs that hold some of the columns.
  func forEachPiece(in columns: Range<Int>, _ body: (Run) throws -> Void) rethrows {
    for run in runs {
      let first = max(run.column, columns.lowerBound)
      let count = min(run.column + run.count, columns.upperBound) - first
      guard count > 0 else { continue }
      try body(Run(column: first, place: run.place + first - run.column, count: count))
    }
  }
}
