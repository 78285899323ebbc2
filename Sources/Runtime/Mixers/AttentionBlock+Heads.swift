import Kernels

extension AttentionBlock {
  /// Normalises and rotates the queries and keys of one token, and stores keys and values.
  /// - Parameter index: which of the tokens of its sequence.
  func prepare(
    _ index: Int, _ slice: Segment.Slice, _ buffers: Buffers, _ segment: Segment,
    _ cache: KeyValueCache
  ) {
    let row = slice.rows.lowerBound + index
    let q = buffers.q + row * nh * hd
    let k = buffers.k + row * nkv * hd
    normalise(q, heads: nh, qNorm)
    normalise(k, heads: nkv, kNorm)
    for head in 0..<nh { rotate(q + head * hd, row, segment) }
    for head in 0..<nkv {
      rotate(k + head * hd, row, segment)
      cache.store(
        key: k + head * hd, value: buffers.v + (row * nkv + head) * hd,
        position: slice.start + index, head: head)
    }
  }

  private func normalise(_ x: UnsafeMutablePointer<Float>, heads: Int, _ norm: Norm?) {
    guard let norm else { return }
    for part in 0..<heads * hd / norm.width {
      norm.apply(x + part * norm.width, to: x + part * norm.width)
    }
  }

  private func rotate(_ head: UnsafeMutablePointer<Float>, _ row: Int, _ segment: Segment) {
    guard let rotary else { return }
    let start = rotary.side == .first ? 0 : hd - 2 * rotary.half
    rotary.turn(head + start, row: row, of: segment)
  }

  /// Takes the part along the position's own value away from the output of every head of one token.
  func removeOwnValues(_ row: Int, _ buffers: Buffers) {
    for head in 0..<nh {
      let y = buffers.y + (row * nh + head) * hd
      let v = buffers.v + (row * nkv + head / (nh / nkv)) * hd
      let along =
        kernels.elementwise.dot(y, v, count: hd) / kernels.elementwise.dot(v, v, count: hd)
      kernels.elementwise.add(y, v, scale: -along, count: hd)
    }
  }
}
