import Tensors

/// Which rows of which weights the rows of a weight are, and in what order they have their columns.
public struct RowOrder: Hashable, Sendable {
  /// Neighbouring rows that are neighbours in a source too.
  struct Run: Hashable, Sendable {
    var target: Int
    let source: Int
    let row: Int
    var count: Int
  }

  /// The runs, in the order of the target; they cover it.
  let runs: [Run]
  /// The column of the source that each column is; nil where all stay.
  let columns: [Int]?

  /// The order that moves of elements amount to; nil where they move anything but whole rows, all of them
  /// with their columns in one order.
  /// - Parameters:
  ///   - pairings: where the elements of each source go.
  ///   - shape: that of the target, with as many columns as each source.
  public init?(_ pairings: [PairedView], to shape: [Int]) {
    guard let columns = shape.last, columns > 0, !shape.contains(0) else { return nil }
    var builder = Builder(width: columns)
    for (source, pairing) in pairings.enumerated() {
      pairing.forEachRun { from, to, count in builder.add(source, from, to, count) }
    }
    guard let runs = builder.runs(covering: shape.dropLast().reduce(1, *)) else { return nil }
    self.runs = runs
    self.columns = builder.columns
  }

  /// Collects runs of elements.
  private struct Builder {
    let width: Int
    private var whole: [Run] = []
    /// The source and the row of each row that comes in parts, and how many of its columns came.
    private var parts: [Int: (source: Int, row: Int, count: Int)] = [:]
    private var order: [Int]
    private var isTorn = false

    init(width: Int) {
      self.width = width
      order = Array(repeating: -1, count: width)
    }

    mutating func add(_ source: Int, _ from: Int, _ to: Int, _ count: Int) {
      if from % width == 0, to % width == 0, count % width == 0 {
        whole.append(
          Run(target: to / width, source: source, row: from / width, count: count / width))
        return
      }
      var done = 0
      while done < count, !isTorn {
        let (row, column) = (from + done).quotientAndRemainder(dividingBy: width)
        let (target, place) = (to + done).quotientAndRemainder(dividingBy: width)
        let length = min(count - done, width - column, width - place)
        add(part: (source, row, column), to: target, place, length)
        done += length
      }
    }

    private mutating func add(
      part: (source: Int, row: Int, column: Int), to target: Int, _ place: Int, _ length: Int
    ) {
      let known = parts[target] ?? (part.source, part.row, 0)
      guard known.source == part.source, known.row == part.row else { return isTorn = true }
      parts[target] = (part.source, part.row, known.count + length)
      for index in 0..<length {
        if order[place + index] == -1 { order[place + index] = part.column + index }
        if order[place + index] != part.column + index { return isTorn = true }
      }
    }

    /// The order of columns; nil where all stay.
    var columns: [Int]? {
      parts.isEmpty || order == Array(0..<width) ? nil : order
    }

    /// The runs, if they cover all rows and agree about columns.
    func runs(covering count: Int) -> [Run]? {
      guard !isTorn, parts.values.allSatisfy({ $0.count == width }), whole.isEmpty || columns == nil
      else { return nil }
      let single = parts.map { Run(target: $0, source: $1.source, row: $1.row, count: 1) }
      var runs: [Run] = []
      for run in (whole + single).sorted(by: { $0.target < $1.target }) {
        if let last = runs.last, last.source == run.source, last.row + last.count == run.row {
          runs[runs.count - 1].count += run.count
        } else {
          runs.append(run)
        }
        guard let last = runs.last, last.target + last.count == run.target + run.count else {
          return nil
        }
      }
      let first = runs.first?.target == 0
      return first && runs.last.map { $0.target + $0.count } == count ? runs : nil
    }
  }
}
