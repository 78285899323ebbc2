import Tensors
import Testing

@testable import Runtime

/// Columns in another order than they lie in are found piece by piece.
struct ColumnOrderTests {
  /// Four heads of 128 columns, of which the middle two lie the other way round.
  private func order() throws -> ColumnOrder {
    let axes = [(4, 512), (2, 128), (2, 256), (128, 1)].map { StridedView.Axis($0.0, $0.1) }
    let view = StridedView(offset: 0, axes: axes)
    return try #require(ColumnOrder.read(view, rows: 4, columns: 512)).order
  }

  /// Tiles before, between and behind runs, whole ones and parts.
  @Test(arguments: [0..<64, 0..<256, 256..<512, 100..<300, 130..<131, 384..<512, 500..<512])
  func piecesAreThoseOfATile(_ columns: Range<Int>) throws {
    let order = try order()
    let places = (0..<512).map { [0, 2, 1, 3][$0 / 128] * 128 + $0 % 128 }
    var found = [Int](repeating: -1, count: 512)
    order.forEachPiece(in: columns) { run in
      for index in 0..<run.count { found[run.column + index] = run.place + index }
    }
    for column in 0..<512 {
      #expect(found[column] == (columns.contains(column) ? places[column] : -1))
    }
  }
}
