import Canonical
import Kernels

/// A mixture of experts with its weights.
///
/// Maths letters: `E` experts of inner width `I`, `k` experts per token, `t` tokens of a segment.
/// Every expert is one task that runs the tokens routed to it.
struct ExpertBlock: Sendable {
  let configuration: FeedForward
  let H: Int
  private let router: Projection
  let experts: [DenseBlock]
  private let shared: DenseBlock?
  private let sharedRouter: FloatBuffer?
  /// What is added to sigmoids for the choice, `[E]`.
  let correction: FloatBuffer?

  var E: Int { configuration.experts }
  var k: Int { configuration.expertsPerToken }

  /// Binds router, experts and shared expert.
  ///
  /// Biases of experts are not bound, because lm-engine's forward pass does not read them; those of
  /// the shared expert are, because it does (`moe/experts.py`).
  init(_ configuration: FeedForward, _ binder: Binder) throws {
    self.configuration = configuration
    H = binder.model.configuration.hidden
    router = try binder.projection("moe.router", configuration.experts, H)
    experts = try (0..<configuration.experts).map {
      try DenseBlock(configuration, binder, .expert($0))
    }
    shared =
      configuration.sharedIntermediate == 0
      ? nil : try DenseBlock(configuration, binder, .shared)
    sharedRouter =
      shared != nil && configuration.hasSharedGate
      ? try binder.vector("shared.router", [1, H]) : nil
    correction =
      configuration.router == .sigmoid && configuration.choice.hasCorrection
      ? try binder.vector("moe.correction", [configuration.experts]) : nil
  }

  struct Buffers {
    let panels: UnsafeMutablePointer<Float>  // [t, H] packed
    let scores: UnsafeMutablePointer<Float>  // [t, E]
    let marks: UnsafeMutablePointer<Float>  // [t, E], by which sigmoids are chosen
    let weights: UnsafeMutablePointer<Float>  // [t, k]
    let chosen: UnsafeMutablePointer<Int32>  // [t, k], expert of each choice
    let slots: UnsafeMutablePointer<Int32>  // [t, k], row of each choice among the outputs
    let tokens: UnsafeMutablePointer<Int32>  // [t·k], token of each row
    let starts: UnsafeMutablePointer<Int32>  // [E + 1], first row of each expert
    let outputs: UnsafeMutablePointer<Float>  // [t·k, H]
    let shared: UnsafeMutablePointer<Float>  // [t, H]

    init(_ block: ExpertBlock, tokens t: Int, _ arena: inout Arena) {
      let k = block.k
      panels = arena.take(Operand.panelCount(tokens: t, depth: block.H))
      scores = arena.take(t * block.E)
      marks = arena.take(block.configuration.router == .sigmoid ? t * block.E : 0)
      weights = arena.take(t * k)
      chosen = arena.takeIntegers(t * k)
      slots = arena.takeIntegers(t * k)
      tokens = arena.takeIntegers(t * k)
      starts = arena.takeIntegers(block.E + 1)
      outputs = arena.take(t * k * block.H)
      shared = arena.take(block.shared == nil ? 0 : t * block.H)
    }
  }

  /// Takes what the whole block needs.
  func measure(tokens t: Int, _ arena: inout Arena) {
    _ = Buffers(self, tokens: t, &arena)
    if let shared { _ = DenseBlock.Buffers(shared, tokens: t, &arena) }
  }

  /// The values that one worker needs to run all tokens through one expert.
  func workerScratch(tokens t: Int) -> Int {
    var arena = Arena.counting
    _ = ExpertBuffers(self, tokens: t, &arena)
    return arena.used + Projection.scratchCount(tokens: t)
  }

  /// - Shape: `x` and `output` `[t, H]`.
  func forward(
    _ x: UnsafePointer<Float>, tokens t: Int, _ workspace: Workspace,
    output: UnsafeMutablePointer<Float>
  ) {
    var arena = workspace.arena
    let buffers = Buffers(self, tokens: t, &arena)
    let operand = workspace.pack(x, tokens: t, depth: H, panels: buffers.panels)
    workspace.multiply(operand, router, to: buffers.scores)
    workspace.pool.run(t, by: 16) { rows in
      for row in rows { route(row, buffers) }
    }
    if let gaps = workspace.routerGaps {
      for row in 0..<t { gaps.pointer[row] = gap(row, buffers) }
    }
    sortByExpert(tokens: t, buffers)
    workspace.pool.run(E) { expert, worker in
      run(expert: expert, x, buffers, workspace.scratch(worker))
    }
    if let shared {
      shared.forward(x, tokens: t, workspace, &arena, output: buffers.shared)
    }
    workspace.pool.run(t, by: 16) { rows in
      for row in rows { combine(row, x, buffers, output) }
    }
  }

  /// Adds the outputs of a token's experts, and that of the shared one.
  private func combine(
    _ row: Int, _ x: UnsafePointer<Float>, _ buffers: Buffers,
    _ output: UnsafeMutablePointer<Float>
  ) {
    let y = output + row * H
    y.update(repeating: 0, count: H)
    for choice in row * k..<(row + 1) * k {
      kernels.elementwise.add(
        y, buffers.outputs + Int(buffers.slots[choice]) * H, scale: buffers.weights[choice],
        count: H)
    }
    guard shared != nil else { return }
    var gate: Float = 1
    if let sharedRouter {
      gate = kernels.elementwise.dot(x + row * H, sharedRouter.pointer, count: H)
      kernels.activations.sigmoid(&gate, 1, 0)
    }
    kernels.elementwise.add(y, buffers.shared + row * H, scale: gate, count: H)
  }
}
