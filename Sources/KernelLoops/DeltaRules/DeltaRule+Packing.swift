import Kernels

extension DeltaRule {
  /// The distance of packed rows: the keys of a chunk, then its queries.
  @inline(__always)
  static var pair: Int { 2 &* chunk }

  static func packedCount(dk: Int) -> Int { pair &* (dk &+ chunk) }

  @inline(never)
  static func pack(_ keys: DeltaRuleKeys, epsilon: Float, scale: Float, packed: MutableFloats) {
    let dk = keys.dk
    transpose(keys.k, keys.steps, dk, packed)
    transpose(keys.q, keys.steps, dk, packed + chunk)
    let products = packed + (dk &* pair)
    normalise(packed, dk, epsilon, scale, factors: products)
    clear(products, pair &* chunk)
    let panel = min(Tile.columns, chunk)
    for column in Swift.stride(from: 0, to: chunk, by: panel) {
      let product = TileProduct(
        a: FloatRows(packed, stride: 1), aStep: pair, b: FloatRows(packed + column, stride: pair),
        c: MutableFloatRows(products + column, stride: chunk), rows: pair, depth: dk)
      if panel == Tile.columns {
        Tile.accumulate(product)
      } else {
        Tile.accumulateNarrow(product)
      }
    }
  }

  /// Turns rows into columns; those of missing steps become zero.
  @inline(__always)
  private static func transpose(
    _ rows: FloatRows, _ steps: Int, _ dk: Int, _ target: MutableFloats
  ) {
    var column = 0
    while steps == chunk, column &+ width <= dk {
      for row in Swift.stride(from: 0, to: chunk, by: width) {
        Transposition.square(
          rows[row] + column, stride: rows.stride,
          target: target + (column &* pair &+ row), targetStride: pair)
      }
      column &+= width
    }
    for index in column..<max(dk, column) {
      for row in 0..<chunk {
        target[index &* pair &+ row] = row < steps ? rows[row][index] : 0
      }
    }
  }

  /// Brings every column to its length, `rsqrt(Σx² + ε)` for keys and `scale` times that for queries.
  @inline(__always)
  private static func normalise(
    _ packed: MutableFloats, _ dk: Int, _ epsilon: Float, _ scale: Float, factors: MutableFloats
  ) {
    for column in Swift.stride(from: 0, to: pair, by: width) {
      var squares = Lanes()
      for index in 0..<dk {
        let x = load(packed + (index &* pair &+ column))
        squares = fused(squares, x, x)
      }
      store(squares, factors + column)
    }
    for column in 0..<pair {
      let factor = 1 / (factors[column] + epsilon).squareRoot()
      factors[column] = column < chunk ? factor : factor * scale
    }
    for column in Swift.stride(from: 0, to: pair, by: width) {
      let factor = load(factors + column)
      for index in 0..<dk {
        let place = packed + (index &* pair &+ column)
        store(factor * load(place), place)
      }
    }
  }
}
