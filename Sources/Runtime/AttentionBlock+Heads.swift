import Kernels

extension AttentionBlock {
  /// Normalises and rotates the queries and keys of one token, and stores keys and values.
  func prepare(_ row: Int, _ buffers: Buffers, _ segment: Segment, _ cache: KeyValueCache) {
    let q = buffers.q + row * nh * hd
    let k = buffers.k + row * nkv * hd
    normalise(q, heads: nh, qNorm)
    normalise(k, heads: nkv, kNorm)
    for head in 0..<nh { rotate(q + head * hd, row, segment) }
    for head in 0..<nkv {
      rotate(k + head * hd, row, segment)
      cache.store(
        key: k + head * hd, value: buffers.v + (row * nkv + head) * hd,
        position: segment.start + row, head: head)
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
    kernels.rotary.rotate(
      head + start, cosines: segment.cosines + row * rotary.half,
      sines: segment.sines + row * rotary.half, half: rotary.half)
  }

  /// Computes `softmax(q Kᵀ · scale) V` for a few consecutive queries of one head.
  func attend(
    head: Int, queryBlock: Int, _ buffers: Buffers, _ segment: Segment, _ cache: KeyValueCache,
    _ scratch: UnsafeMutablePointer<Float>
  ) {
    let first = queryBlock * kernels.attention.queries
    let rows = min(kernels.attention.queries, segment.count - first)
    let position = segment.start + first
    let window = configuration.window ?? (segment.positions.upperBound + 1)
    let scores = scratch  // [6, 64]
    let top = scores + kernels.attention.queries * kernels.attention.blockLength  // [6]
    let total = top + kernels.attention.queries  // [6]
    let sums = total + kernels.attention.queries  // [6, hdp]
    top.update(repeating: -.infinity, count: rows)
    total.update(repeating: 0, count: rows)
    sums.update(repeating: 0, count: rows * hdp)
    let length = kernels.attention.blockLength
    let kvHead = head / (nh / nkv)
    for block in max(position - window + 1, 0) / length...(position + rows - 1) / length {
      kernels.attention.add(
        q: buffers.q + (first * nh + head) * hd, stride: nh * hd, rows: rows, position: position,
        window: window, scale: Float(configuration.scoreScale),
        keys: cache.keys(block: block, head: kvHead),
        values: cache.values(block: block, head: kvHead), firstKey: block * length, hd: hd,
        hdp: hdp, scores: scores, top: top, total: total, sums: sums)
    }
    for row in 0..<rows {
      finish(sums + row * hdp, total[row], row: first + row, head: head, buffers)
    }
  }

  /// Divides by the sum of weights, and takes away the part along the position's own value.
  private func finish(
    _ sums: UnsafeMutablePointer<Float>, _ total: Float, row: Int, head: Int, _ buffers: Buffers
  ) {
    let y = buffers.y + (row * nh + head) * hd
    y.update(from: sums, count: hd)
    kernels.elementwise.scale(y, by: 1 / total, count: hd)
    guard configuration.isExclusive else { return }
    let v = buffers.v + (row * nkv + head / (nh / nkv)) * hd
    let along = kernels.elementwise.dot(y, v, count: hd) / kernels.elementwise.dot(v, v, count: hd)
    kernels.elementwise.add(y, v, scale: -along, count: hd)
  }
}
