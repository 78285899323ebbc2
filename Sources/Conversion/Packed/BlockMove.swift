import Canonical
import Layouts
import Opening
import Tensors

/// Whole rows of blocks that move from one quantised tensor to another in their order.
struct BlockMove {
  let scales: BlockScales
  let role: Role
  /// The first row in the grid of the source, counted over all its matrices.
  let from: Int
  /// The first row in the grid of the target, counted over all its matrices.
  let to: Int
  /// The number of rows of the grid.
  let count: Int

  /// The moved scales, as a part of the scales of the target.
  var part: BoundPart {
    BoundPart(role: role, shape: [values], view: view(to))
  }

  /// The same scales where they are read.
  var source: CanonicalTensor {
    CanonicalTensor(
      shape: [values], type: scales.type, region: scales.region, view: view(from),
      origin: scales.origin)
  }

  private var values: Int { count * scales.gridColumns }

  private func view(_ row: Int) -> StridedView {
    StridedView(offset: row * scales.gridColumns, axes: [.init(values, 1)])
  }

  /// The moves of quantised weights and their scales; nil where anything but whole blocks would move.
  static func moves(_ parts: [MovedPart], into target: BoundTensor) -> [BlockMove]? {
    guard target.shape.count >= 2, target.shape.allSatisfy({ $0 > 0 }) else { return nil }
    let rows = target.shape[target.shape.count - 2]
    var runs: [RowRun] = []
    for (part, moved) in zip(target.parts, parts) {
      guard let more = RowRun.runs(moved, of: part.role),
        target.shape.last == more[0].scales.columns
      else { return nil }
      runs += more
    }
    var moves: [BlockMove] = []
    for run in RowRun.merged(runs) {
      guard let more = split(run, rows: rows) else { return nil }
      moves += more
    }
    return moves
  }

  /// The moves of a run of rows, cut where a matrix ends on either side; nil where a cut would go
  /// through a block.
  private static func split(_ run: RowRun, rows: Int) -> [BlockMove]? {
    let scales = run.scales
    let height = scales.size.rows
    let gridRows = (rows + height - 1) / height
    var moves: [BlockMove] = []
    var done = 0
    while done < run.count {
      let (before, row) = (run.source + done).quotientAndRemainder(dividingBy: scales.rows)
      let (beforeTarget, targetRow) = (run.target + done).quotientAndRemainder(dividingBy: rows)
      let length = min(run.count - done, scales.rows - row, rows - targetRow)
      let endsBoth = row + length == scales.rows && targetRow + length == rows
      guard row % height == 0, targetRow % height == 0, length % height == 0 || endsBoth else {
        return nil
      }
      moves.append(
        BlockMove(
          scales: scales, role: run.role, from: before * scales.gridRows + row / height,
          to: beforeTarget * gridRows + targetRow / height, count: (length + height - 1) / height))
      done += length
    }
    return moves
  }
}

/// Rows of weights that lie side by side before and after a move.
private struct RowRun {
  let scales: BlockScales
  let role: Role
  /// The first row, counted over all matrices of the source.
  let source: Int
  /// The first row, counted over all matrices of the target.
  let target: Int
  var count: Int

  /// The runs of a part; nil where it moves anything but whole rows.
  static func runs(_ moved: MovedPart, of role: Role) -> [RowRun]? {
    guard let scales = moved.source.scales, moved.pairing.runLength % scales.columns == 0 else {
      return nil
    }
    let columns = scales.columns
    var runs: [RowRun] = []
    var isWhole = true
    moved.pairing.forEachRun { source, target, count in
      isWhole = isWhole && source % columns == 0 && target % columns == 0
      runs.append(
        RowRun(
          scales: scales, role: role, source: source / columns, target: target / columns,
          count: count / columns))
    }
    return isWhole && !runs.isEmpty ? runs : nil
  }

  /// The same rows in the fewest runs, in the order of the target.
  static func merged(_ runs: [RowRun]) -> [RowRun] {
    runs.sorted { $0.target < $1.target }.reduce(into: []) { merged, run in
      if let last = merged.last, last.scales.origin == run.scales.origin,
        last.source + last.count == run.source, last.target + last.count == run.target
      {
        merged[merged.count - 1].count += run.count
      } else {
        merged.append(run)
      }
    }
  }
}
