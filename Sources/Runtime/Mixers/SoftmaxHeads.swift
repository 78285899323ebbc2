import Kernels

/// Causal softmax attention of all heads of a layer over its cache, `softmax(q Kᵀ · scale) V`.
///
/// Maths letters: `nh` query heads, `nkv` heads of keys and values, `dk`, `dv` the dims of a key and a value.
struct SoftmaxHeads: Sendable {
  let nh: Int
  let nkv: Int
  let dk: Int
  let dv: Int
  /// What scores are multiplied with.
  let scale: Float
  /// The number of positions a query sees, itself included; nil for all before it.
  let window: Int?

  private var dvp: Int { KeyValueCache.padded(dv) }

  /// The values that one worker needs: scores, running maxima and sums, weighted values, queries.
  var workerScratch: Int {
    kernels.attention.rows * (kernels.attention.blockLength + 2 + dvp + dk) + gatheredCount
  }

  /// An empty cache of the layer.
  func makeCache(capacity: Int, segmentLength: Int) throws -> KeyValueCache {
    try KeyValueCache(
      kvHeads: nkv, dims: (key: dk, value: dv), capacity: capacity, window: window,
      segmentLength: segmentLength)
  }

  /// Attends from the tokens of one sequence, whose keys and values are in the cache already.
  /// - Shape: `q` `[segment, nh·dk]`, `y` `[segment, nh·dv]`.
  func run(
    _ q: UnsafePointer<Float>, _ slice: Segment.Slice, layer: Int, _ workspace: Workspace,
    to y: UnsafeMutablePointer<Float>
  ) {
    let sequence = SequenceQueries(slice: slice, q: q, cache: slice.cache(layer), y: y)
    // Queries choose from some position on; those before it see all that is in front of them.
    let tokens = slice.rows.count
    let dense =
      sequence.cache.blocks.map { min(max($0.densePositions - slice.start, 0), tokens) } ?? tokens
    let groups = Grouping(self, tokens: dense)
    workspace.pool.run(groups.count) { task, worker in
      attend(groups[task], of: sequence, Scratch(self, workspace.scratch(worker)))
    }
    workspace.pool.run((tokens - dense) * groups.perPosition) { task, worker in
      attend(
        groups.group(task, from: dense), of: sequence, Scratch(self, workspace.scratch(worker)))
    }
  }

  /// A sequence that attends.
  private struct SequenceQueries {
    let slice: Segment.Slice
    /// Its queries and those of the sequences beside it, `[segment, nh·dk]`.
    let q: UnsafePointer<Float>
    let cache: KeyValueCache
    /// What all of them see, `[segment, nh·dv]`.
    let y: UnsafeMutablePointer<Float>
  }

  /// The queries that are worked on together: some positions of the heads that share keys.
  struct Group {
    let positions: Range<Int>
    let heads: Range<Int>

    var rows: Int { positions.count * heads.count }
  }

  /// How the queries of a segment are divided among tasks.
  private struct Grouping {
    private let nkv, shared: Int
    private let tokens: Int
    /// The heads of one group, and the number of groups that share keys.
    private let heads, parts: Int
    private let positions: Int

    init(_ softmax: SoftmaxHeads, tokens: Int) {
      (nkv, shared) = (softmax.nkv, softmax.nh / softmax.nkv)
      self.tokens = tokens
      heads = min(shared, kernels.attention.rows)
      parts = (shared + heads - 1) / heads
      positions = kernels.attention.rows / heads
    }

    /// The number of groups.
    var count: Int { nkv * parts * ((tokens + positions - 1) / positions) }

    /// The number of groups of one position.
    var perPosition: Int { nkv * parts }

    /// A group of one position, of those from the first on.
    func group(_ task: Int, from first: Int) -> Group {
      let (index, rest) = task.quotientAndRemainder(dividingBy: nkv * parts)
      return group(first + index..<first + index + 1, kvHead: rest % nkv, part: rest / nkv)
    }

    private func group(_ positions: Range<Int>, kvHead: Int, part: Int) -> Group {
      let head = part * heads
      return Group(
        positions: positions,
        heads: kvHead * shared + head..<kvHead * shared + min(head + heads, shared))
    }

    /// The group of a task; those of the last positions, which see the most keys, come first.
    subscript(task: Int) -> Group {
      let (rest, kvHead) = (count - 1 - task).quotientAndRemainder(dividingBy: nkv)
      let start = rest / parts * positions
      return group(start..<min(start + positions, tokens), kvHead: kvHead, part: rest % parts)
    }
  }

  /// The scratch of one worker.
  struct Scratch {
    /// Running results.
    let sums: AttentionSums
    /// The queries of a group, multiplied by the scale.
    let q: UnsafeMutablePointer<Float>
    /// Keys and values of chosen blocks.
    let gathered: UnsafeMutablePointer<Float>

    init(_ softmax: SoftmaxHeads, _ start: UnsafeMutablePointer<Float>) {
      let rows = kernels.attention.rows
      let top = start + rows * kernels.attention.blockLength
      sums = AttentionSums(scores: start, top: top, total: top + rows, values: top + 2 * rows)
      q = sums.values + rows * softmax.dvp
      gathered = q + rows * softmax.dk
    }
  }

  /// Attends from one group of queries of one sequence.
  private func attend(_ group: Group, of sequence: SequenceQueries, _ scratch: Scratch) {
    let firstRow = sequence.slice.rows.lowerBound + group.positions.lowerBound
    let sums = scratch.sums
    // Running maximum, sum and weighted values of every row, before any key.
    sums.top.update(repeating: -.infinity, count: group.rows)
    sums.total.update(repeating: 0, count: group.rows)
    sums.values.update(repeating: 0, count: group.rows * dvp)
    gather(group, from: firstRow, sequence.q, to: scratch.q)
    add(group, sequence.slice, sequence.cache, scratch)
    for row in 0..<group.rows {
      let (index, head) = row.quotientAndRemainder(dividingBy: group.heads.count)
      let place = sequence.y + ((firstRow + index) * nh + group.heads.lowerBound + head) * dv
      place.update(from: sums.values + row * dvp, count: dv)
      kernels.elementwise.scale(place, by: 1 / sums.total[row], count: dv)
    }
  }

  /// Adds what the queries of a group see.
  private func add(
    _ group: Group, _ slice: Segment.Slice, _ cache: KeyValueCache, _ scratch: Scratch
  ) {
    let first = group.positions.lowerBound
    let position = slice.start + first
    if let blocks = cache.blocks, position >= blocks.densePositions {
      return add(blocks, group, position: position, cache, scratch)
    }
    let window = window ?? (slice.positions.upperBound + 1)
    let length = kernels.attention.blockLength
    let kvHead = kvHead(of: group)
    let last = position + group.positions.count - 1
    let queries = AttentionQueries(
      scratch.q, positions: group.positions.count, heads: group.heads.count, first: position,
      window: window)
    // Only the blocks that some query of the group sees.
    for block in max(position - window + 1, 0) / length...last / length {
      let keys = AttentionKeys(
        keys: cache.keys(block: block, head: kvHead),
        values: cache.values(block: block, head: kvHead), first: block * length, hd: dk, hdp: dvp)
      kernels.attention.add(keys, queries, to: scratch.sums)
    }
  }

  /// The head of keys and values that the heads of a group share.
  func kvHead(of group: Group) -> Int { group.heads.lowerBound / (nh / nkv) }

  /// Copies the queries of a group, multiplied by the scale, `[positions, heads, dk]`.
  private func gather(
    _ group: Group, from row: Int, _ q: UnsafePointer<Float>,
    to target: UnsafeMutablePointer<Float>
  ) {
    let width = group.heads.count * dk
    for index in 0..<group.positions.count {
      let source = q + ((row + index) * nh + group.heads.lowerBound) * dk
      (target + index * width).update(from: source, count: width)
    }
    kernels.elementwise.scale(target, by: scale, count: group.rows * dk)
  }
}
