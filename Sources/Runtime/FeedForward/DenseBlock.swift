import Canonical
import Kernels

/// An MLP with its weights: `down(act(gate x) ⊙ up x)`, or `down(act(up x))` without a gate.
struct DenseBlock: Sendable {
  let H: Int
  /// The inner width.
  let I: Int
  let gate: Projection?
  let up: Projection
  let down: Projection
  let activation: ActivationFunction

  /// Which of the MLPs of a layer a block is.
  enum Use {
    /// The only one.
    case whole
    /// One of the experts, whose biases the original does not read.
    case expert(Int)
    /// The expert that every token goes through.
    case shared
  }

  /// Binds the matrices `gate`, `up` and `down` of an MLP.
  init(_ configuration: FeedForward, _ binder: Binder, _ use: Use) throws {
    H = binder.model.configuration.hidden
    let (prefix, width, expert): (String, Int, Int?) =
      switch use {
      case .whole: ("mlp", configuration.intermediate, nil)
      case .expert(let index): ("expert", configuration.intermediate, index)
      case .shared: ("shared", configuration.sharedIntermediate, nil)
      }
    I = width
    let bias = configuration.hasBias && expert == nil
    func projection(_ name: String, _ rows: Int, _ columns: Int) throws -> Projection {
      try binder.projection(prefix + "." + name, rows, columns, bias: bias, expert: expert)
    }
    gate = configuration.isGated ? try projection("gate", I, H) : nil
    up = try projection("up", I, H)
    down = try projection("down", H, I)
    activation = try binder.activation(configuration.activation, slope: "mlp.slope")
  }

  struct Buffers {
    let panels: UnsafeMutablePointer<Float>  // [t, H] packed
    let gate: UnsafeMutablePointer<Float>  // [t, I]
    let up: UnsafeMutablePointer<Float>  // [t, I]
    let innerPanels: UnsafeMutablePointer<Float>  // [t, I] packed

    init(_ block: DenseBlock, tokens t: Int, _ arena: inout Arena) {
      panels = arena.take(Operand.panelCount(tokens: t, depth: block.H))
      gate = arena.take(block.gate == nil ? 0 : t * block.I)
      up = arena.take(t * block.I)
      innerPanels = arena.take(Operand.panelCount(tokens: t, depth: block.I))
    }
  }

  /// Runs the block on all threads.
  /// - Shape: `x` and `output` `[t, H]`.
  func forward(
    _ x: UnsafePointer<Float>, tokens t: Int, _ workspace: Workspace, _ arena: inout Arena,
    output: UnsafeMutablePointer<Float>
  ) {
    let buffers = Buffers(self, tokens: t, &arena)
    let operand = workspace.pack(x, tokens: t, depth: H, panels: buffers.panels)
    workspace.multiply(operand, up, to: buffers.up)
    var inner = buffers.up
    if let gate {
      workspace.multiply(operand, gate, to: buffers.gate)
      workspace.activate(buffers.gate, activation, rows: t, width: I, times: buffers.up)
      inner = buffers.gate
    } else {
      workspace.activate(buffers.up, activation, rows: t, width: I)
    }
    let activated = workspace.pack(inner, tokens: t, depth: I, panels: buffers.innerPanels)
    workspace.multiply(activated, down, to: output)
  }
}
