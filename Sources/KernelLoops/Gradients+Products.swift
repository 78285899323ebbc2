import Kernels

extension Gradients {
  static var panelWidth: Int { Tile.columns }

  @inline(never)
  static func pack(_ b: FloatRows, depth: Int, columns: Int, panels: MutableFloats) {
    var target = panels
    for column in Swift.stride(from: 0, to: columns, by: panelWidth) {
      let rest = columns &- column
      for k in 0..<depth {
        let row = b[k] + column
        store(load(row, first: rest), target)
        store(load(row + width, first: rest &- width), target + width)
        target += panelWidth
      }
    }
  }

  @inline(never)
  static func addProduct(
    _ a: FloatRows, panels: Floats, to c: MutableFloatRows, _ shape: ProductShape
  ) {
    var (panel, column) = (FloatRows(panels, stride: panelWidth), 0)
    while column &+ panelWidth <= shape.columns {
      Tile.accumulate(
        TileProduct(
          a: a, b: panel, c: MutableFloatRows(c.start + column, stride: c.stride),
          rows: shape.rows, depth: shape.depth))
      panel = FloatRows(panel[shape.depth], stride: panelWidth)
      column &+= panelWidth
    }
    let rest = shape.columns &- column
    guard rest > 0 else { return }
    for row in 0..<shape.rows { addRest(a[row], panel, to: c[row] + column, rest, shape.depth) }
  }

  /// One row of a panel of which only some columns are part of C.
  @inline(__always)
  private static func addRest(
    _ a: Floats, _ panel: FloatRows, to c: MutableFloats, _ rest: Int, _ depth: Int
  ) {
    var s0 = load(Floats(c), first: rest)
    var s1 = load(Floats(c + width), first: rest &- width)
    for k in 0..<depth {
      s0 = fused(s0, a[k], load(panel[k]))
      s1 = fused(s1, a[k], load(panel[k] + width))
    }
    store(s0, c, first: rest)
    store(s1, c + width, first: rest &- width)
  }

  @inline(never)
  static func transpose(_ source: FloatRows, rows: Int, columns: Int, to target: MutableFloatRows) {
    Transposition.matrix(source, rows: rows, columns: columns, target: target)
  }
}
