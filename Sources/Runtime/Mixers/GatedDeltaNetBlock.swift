import Canonical
import Kernels

/// A Gated DeltaNet mixer with its weights.
///
/// Maths letters: `nk`/`nv` key/value heads, `dk`/`dv` their dims, `C` convolution channels, `t`
/// tokens of a segment.
struct GatedDeltaNetBlock: MixerBlock {
  let configuration: GatedDeltaNet
  private let H: Int
  private let inputs: ConvolvedInputs
  private let z: Projection?
  private let a: Projection
  private let b: Projection
  private let o: Projection
  private let gateActivation: ActivationFunction
  let decay: DecayGate
  let norm: Norm

  var nk: Int { configuration.keyHeads }
  var nv: Int { configuration.valueHeads }
  var dk: Int { configuration.keyDim }
  var dv: Int { configuration.valueDim }
  var heads: DeltaRuleHeads {
    DeltaRuleHeads(keyHeads: nk, valueHeads: nv, keyDim: dk, valueDim: dv)
  }

  init(_ configuration: GatedDeltaNet, _ binder: Binder) throws {
    self.configuration = configuration
    let model = binder.model.configuration
    H = model.hidden
    let keys = configuration.keyHeads * configuration.keyDim
    let values = configuration.valueHeads * configuration.valueDim
    inputs = try ConvolvedInputs(
      "gdn", .init(q: keys, k: keys, v: values, taps: configuration.taps),
      activation: ActivationFunction(configuration.activation), binder)
    z = configuration.gate == .none ? nil : try binder.projection("gdn.z", values, H)
    gateActivation = ActivationFunction(configuration.gateActivation)
    a = try binder.projection("gdn.a", configuration.valueHeads, H)
    b = try binder.projection("gdn.b", configuration.valueHeads, H)
    // Files with value heads in another order keep the columns of this one in that order too.
    o = Projection(weight: try binder.matrix("gdn.o", H, values, reorders: true), bias: nil)
    decay = DecayGate(
      logA: try binder.values("gdn.A_log", [configuration.valueHeads]),
      dtBias: try binder.values("gdn.dt_bias", [configuration.valueHeads]))
    norm = Norm(
      kind: .rmsnorm, width: configuration.valueDim,
      epsilon: Float(configuration.normEpsilon ?? model.normEpsilon),
      weight: try binder.vector("gdn.norm", [configuration.valueDim]), bias: nil)
  }

  func makeState(capacity: Int, segmentLength: Int) throws -> (any MixerState)? {
    try RecurrentState(tail: inputs.tail, matrices: heads.stateCount)
  }

  struct Buffers {
    let panels: UnsafeMutablePointer<Float>  // [t, H] packed
    let convolution: CausalConvolution.Buffers  // [t, C]
    let z: UnsafeMutablePointer<Float>  // [t, nv·dv]
    let a: UnsafeMutablePointer<Float>  // [t, nv]
    let beta: UnsafeMutablePointer<Float>  // [t, nv]
    let gamma: UnsafeMutablePointer<Float>  // [t, nv]
    let y: UnsafeMutablePointer<Float>  // [t, nv·dv]
    let ordered: UnsafeMutablePointer<Float>  // [t, nv·dv], as the columns of o lie
    let outputPanels: UnsafeMutablePointer<Float>  // [t, nv·dv] packed

    init(_ block: GatedDeltaNetBlock, tokens t: Int, _ arena: inout Arena) {
      let values = block.nv * block.dv
      panels = arena.take(Operand.panelCount(tokens: t, depth: block.H))
      convolution = block.inputs.buffers(tokens: t, &arena)
      z = arena.take(t * values)
      a = arena.take(t * block.nv)
      beta = arena.take(t * block.nv)
      gamma = arena.take(t * block.nv)
      y = arena.take(t * values)
      ordered = block.o.weight.order == nil ? y : arena.take(t * values)
      outputPanels = arena.take(Operand.panelCount(tokens: t, depth: values))
    }
  }

  func measure(tokens t: Int, _ arena: inout Arena) { _ = Buffers(self, tokens: t, &arena) }

  /// - Shape: `x` and `output` `[t, H]`.
  func forward(
    _ x: UnsafePointer<Float>, _ segment: Segment, layer: Int, _ workspace: Workspace,
    output: UnsafeMutablePointer<Float>
  ) {
    let t = segment.count
    var arena = workspace.arena
    let buffers = Buffers(self, tokens: t, &arena)
    let operand = workspace.pack(x, tokens: t, depth: H, panels: buffers.panels)
    inputs.run(operand, buffers.convolution, segment, layer: layer, workspace)
    if let z { workspace.multiply(operand, z, to: buffers.z) }
    workspace.multiply(operand, a, to: buffers.a)
    workspace.multiply(operand, b, to: buffers.beta)
    workspace.pool.run(t, by: 16) { rows in
      for row in rows { prepare(row, buffers) }
    }
    // Gates depend on one token each, the rule on all before it: its tasks are key heads, whose
    // value heads share queries and keys.
    workspace.pool.run(segment.slices.count * nk) { task, worker in
      scan(
        keyHead: task % nk, buffers, segment.slices[task / nk], layer: layer,
        scratch: workspace.scratch(worker))
    }
    if z != nil {
      workspace.activate(buffers.z, gateActivation, rows: t, width: nv * dv)
    }
    workspace.pool.run(t, by: 16) { rows in
      for row in rows { finish(row, buffers) }
    }
    // The output of every head is normed and gated, then all of them are projected.
    o.weight.order?.arrange(buffers.y, rows: t, columns: nv * dv, to: buffers.ordered)
    let y = workspace.pack(
      buffers.ordered, tokens: t, depth: nv * dv, panels: buffers.outputPanels)
    workspace.multiply(y, o, to: output)
  }
}
