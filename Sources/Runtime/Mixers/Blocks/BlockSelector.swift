import Canonical
import Kernels

/// What chooses the blocks of positions that a query sees: heads of short queries, and one key for each block.
///
/// Maths letters: `ni` heads, `di` their dims, `r` positions of a block, `t` tokens of a segment.
///
/// Source: transformers `models/qwen4_exp/modeling_qwen4_exp.py`.
struct BlockSelector: Sendable {
  let ni: Int
  let di: Int
  let r: Int
  /// The most blocks that a query chooses.
  let most: Int
  let rotary: RotaryTable?
  let keyNorm: Norm
  private let queryNorm: Norm
  private let q: Projection
  private let k: Projection

  init(_ attention: Attention, _ binder: Binder, rotary: RotaryTable?) throws {
    (ni, di) = (attention.indexHeads, attention.indexDim)
    (r, most) = (attention.indexBlock, attention.chosenBlocks)
    self.rotary = rotary
    let H = binder.model.configuration.hidden
    q = try binder.projection("attention.index_q", ni * di, H)
    k = try binder.projection("attention.index_k", di, H)
    queryNorm = try binder.norm("attention.index_q_norm", di)
    keyNorm = try binder.norm("attention.index_k_norm", di)
  }

  struct Buffers {
    let q: UnsafeMutablePointer<Float>  // [t, ni·di]
    let k: UnsafeMutablePointer<Float>  // [t, di]

    init(_ selector: BlockSelector, tokens t: Int, _ arena: inout Arena) {
      q = arena.take(t * selector.ni * selector.di)
      k = arena.take(t * selector.di)
    }
  }

  /// Projects the tokens of a segment.
  func project(_ operand: Operand, _ buffers: Buffers, _ workspace: Workspace) {
    workspace.multiply(operand, q, to: buffers.q)
    workspace.multiply(operand, k, to: buffers.k)
  }

  /// Stores the keys of the tokens of one sequence, then chooses the blocks of each of them.
  func run(
    _ slice: Segment.Slice, _ buffers: Buffers, _ segment: Segment, _ blocks: BlockKeys,
    _ workspace: Workspace
  ) {
    for (row, position) in zip(slice.rows, slice.positions) {
      blocks.store(buffers.k + row * di, position: position, self)
    }
    workspace.pool.run(slice.rows.count, by: 4) { rows in
      for index in rows { choose(index, slice, buffers, segment, blocks) }
    }
  }

  /// Chooses the blocks of one query, where more are complete than it may choose.
  private func choose(
    _ index: Int, _ slice: Segment.Slice, _ buffers: Buffers, _ segment: Segment,
    _ blocks: BlockKeys
  ) {
    let count = (slice.start + index + 1) / r
    guard count > most else { return }
    let row = slice.rows.lowerBound + index
    let q = buffers.q + row * ni * di
    for head in 0..<ni { prepare(q + head * di, row, segment) }
    let scores = blocks.scores(index)
    for block in 0..<count {
      var score: Float = 0
      for head in 0..<ni {
        score += max(kernels.elementwise.dot(q + head * di, blocks.key(block), count: di), 0)
      }
      scores[block] = score / Float(di).squareRoot()
    }
    blocks.choose(index, of: count)
  }

  private func prepare(_ head: UnsafeMutablePointer<Float>, _ row: Int, _ segment: Segment) {
    queryNorm.apply(head, to: head)
    rotary?.turn(head, row: row, of: segment)
  }
}
