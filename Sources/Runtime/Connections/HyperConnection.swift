import Canonical
import Kernels

/// Several residual streams around a block: it reads a mean of all of them, each value weighed by what the
/// streams say, and every stream gets a share of its output.
///
/// Maths letters: `S` streams, `R` dims between the two matrices that weigh them, `t` tokens of a segment.
///
/// Source: transformers `models/qwen4_exp/modeling_qwen4_exp.py`, after arXiv 2409.19606.
struct HyperConnection: BlockConnection {
  private let S: Int
  private let H: Int
  private let R: Int
  private let norm: StreamNorm
  private let down: Projection
  private let up: Projection
  /// How much each stream gets; nil where nothing comes back, as behind the last layer.
  private let inject: Projection?

  init(_ name: String, _ binder: Binder, injects: Bool) throws {
    let configuration = binder.model.configuration
    (S, H, R) = (configuration.streams, configuration.hidden, configuration.streamRank)
    norm = try StreamNorm("\(name).norm", binder)
    down = try binder.projection("\(name).down", R, S * H)
    up = try binder.projection("\(name).up", S * H, R)
    inject = injects ? try binder.projection("\(name).inject", S, S * H) : nil
  }

  private struct Buffers {
    let normed: UnsafeMutablePointer<Float>  // [t, S·H]
    let panels: UnsafeMutablePointer<Float>  // [t, S·H] packed
    let low: UnsafeMutablePointer<Float>  // [t, R]
    let lowPanels: UnsafeMutablePointer<Float>  // [t, R] packed
    let weights: UnsafeMutablePointer<Float>  // [t, S·H]

    init(_ connection: HyperConnection, tokens t: Int, _ arena: inout Arena) {
      let width = connection.S * connection.H
      normed = arena.take(t * width)
      panels = arena.take(Operand.panelCount(tokens: t, depth: width))
      low = arena.take(t * connection.R)
      lowPanels = arena.take(Operand.panelCount(tokens: t, depth: connection.R))
      weights = arena.take(t * width)
    }
  }

  func measure(tokens t: Int, _ arena: inout Arena) { _ = Buffers(self, tokens: t, &arena) }

  /// `X_s += 2 · sigmoid(inject(n) / S)_s · block(x)`
  func run(
    tokens t: Int, _ workspace: Workspace,
    _ block: (UnsafePointer<Float>, UnsafeMutablePointer<Float>) throws -> Void
  ) rethrows {
    let streams = workspace.hidden.pointer
    read(streams, tokens: t, workspace, to: workspace.normed.pointer)
    try block(workspace.normed.pointer, workspace.blockOutput.pointer)
    workspace.pool.run(t, by: 16) { rows in
      for row in rows {
        let y = workspace.blockOutput.pointer + row * H
        for stream in 0..<S {
          kernels.elementwise.add(
            streams + (row * S + stream) * H, y, scale: workspace.shares.pointer[row * S + stream],
            count: H)
        }
      }
    }
  }

  /// `x = mean_s(m_s ⊙ n_s)` with `n = norm(X)` and `m = sigmoid(up(silu(down(n) / S)))`
  /// - Shape: `streams` `[t, S·H]`, `x` `[t, H]`.
  func read(
    _ streams: UnsafePointer<Float>, tokens t: Int, _ workspace: Workspace,
    to x: UnsafeMutablePointer<Float>
  ) {
    var arena = workspace.arena
    let buffers = Buffers(self, tokens: t, &arena)
    norm.apply(streams, rows: t, to: buffers.normed, workspace.pool)
    let operand = workspace.pack(
      buffers.normed, tokens: t, depth: S * H, panels: buffers.panels)
    workspace.multiply(operand, down, to: buffers.low)
    kernels.elementwise.scale(buffers.low, by: 1 / Float(S), count: t * R)
    workspace.activate(buffers.low, .silu, rows: t, width: R)
    let low = workspace.pack(buffers.low, tokens: t, depth: R, panels: buffers.lowPanels)
    workspace.multiply(low, up, to: buffers.weights)
    workspace.activate(
      buffers.weights, .sigmoid, rows: t, width: S * H, times: buffers.normed)
    workspace.pool.run(t, by: 16) { rows in
      for row in rows { mean(buffers.weights + row * S * H, to: x + row * H) }
    }
    guard let inject else { return }
    // The shares stay in the workspace, because the block that runs next takes the arena.
    let shares = workspace.shares.pointer
    workspace.multiply(operand, inject, to: shares)
    kernels.elementwise.scale(shares, by: 1 / Float(S), count: t * S)
    kernels.activations.sigmoid(shares, t * S, 0)
    kernels.elementwise.scale(shares, by: 2, count: t * S)
  }

  private func mean(_ streams: UnsafePointer<Float>, to x: UnsafeMutablePointer<Float>) {
    x.update(from: streams, count: H)
    for stream in 1..<S { kernels.elementwise.add(x, streams + stream * H, scale: 1, count: H) }
    kernels.elementwise.scale(x, by: 1 / Float(S), count: H)
  }
}
