import Kernels

extension LatentAttentionBlock {
  /// Applies the matrix of keys of one head to its queries.
  func absorbKeys(
    _ head: Int, tokens t: Int, _ buffers: Buffers, _ scratch: UnsafeMutablePointer<Float>
  ) {
    let product = HeadProduct(
      projection: heads[head].key,
      source: FloatRows(buffers.q + head * (dn + dr), stride: nh * (dn + dr)),
      target: MutableFloatRows(buffers.queries + head * (R + dr), stride: nh * (R + dr)))
    multiply(product, head, tokens: t, buffers, scratch)
  }

  /// Makes values of one head of its weighted sums of vectors.
  func makeValues(
    _ head: Int, tokens t: Int, _ buffers: Buffers, _ scratch: UnsafeMutablePointer<Float>
  ) {
    let product = HeadProduct(
      projection: heads[head].value, source: FloatRows(buffers.sums + head * R, stride: nh * R),
      target: MutableFloatRows(buffers.y + head * dv, stride: nh * dv))
    multiply(product, head, tokens: t, buffers, scratch)
  }

  /// A product with the rows of one head, which lie apart.
  private struct HeadProduct {
    let projection: Projection
    let source: FloatRows
    let target: MutableFloatRows
  }

  /// Computes a product on one thread.
  private func multiply(
    _ product: HeadProduct, _ head: Int, tokens t: Int, _ buffers: Buffers,
    _ scratch: UnsafeMutablePointer<Float>
  ) {
    let (depth, most) = (product.projection.weight.columns, max(dn, R))
    let rows = buffers.rows + head * t * most
    for row in 0..<t { (rows + row * depth).update(from: product.source[row], count: depth) }
    let operand = Operand(
      rows: rows,
      panels: buffers.rowPanels + head * Operand.panelCount(tokens: t, depth: most), tokens: t,
      depth: depth)
    operand.packAll()
    product.projection.runAll(
      operand, to: product.target.start, stride: product.target.stride, scratch: scratch)
  }

  /// Normalises the vector of one token, rotates what has positions, and stores the vector.
  /// - Parameter index: which of the tokens of its sequence.
  func prepare(
    _ index: Int, _ slice: Segment.Slice, _ buffers: Buffers, _ segment: Segment,
    _ cache: KeyValueCache
  ) {
    let row = slice.rows.lowerBound + index
    let kv = buffers.kv + row * (R + dr)
    norm.apply(kv, to: kv)
    rotate(kv + R, row, segment)
    cache.store(key: kv, value: kv, position: slice.start + index, head: 0)
    for head in 0..<nh {
      let place = buffers.queries + (row * nh + head) * (R + dr) + R
      place.update(from: buffers.q + (row * nh + head) * (dn + dr) + dn, count: dr)
      rotate(place, row, segment)
    }
  }

  /// Rotates the dims with positions, of which pairs are first put into halves: scores do not change where
  /// queries and keys have the same order.
  private func rotate(_ x: UnsafeMutablePointer<Float>, _ row: Int, _ segment: Segment) {
    guard let rotary else { return }
    let half = rotary.half
    if configuration.rope == .pairs { separatePairs(x, half) }
    rotary.turn(x, row: row, of: segment)
  }

  /// Moves even dims before odd ones.
  private func separatePairs(_ x: UnsafeMutablePointer<Float>, _ half: Int) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: half) { odd in
      for index in 0..<half {
        odd[index] = x[2 * index + 1]
        x[index] = x[2 * index]
      }
      for index in 0..<half { x[half + index] = odd[index] }
    }
  }

  /// Multiplies the output of every head of one token by its gate.
  func applyGate(_ row: Int, _ buffers: Buffers) {
    let gates = buffers.gate + row * nh
    kernels.activations.sigmoid(gates, nh, 0)
    for head in 0..<nh {
      kernels.elementwise.scale(
        buffers.y + (row * nh + head) * dv, by: gates[head], count: dv)
    }
  }
}
