import Canonical
import Kernels

/// A softmax attention mixer with its weights.
///
/// Maths letters: `nh` query heads, `nkv` key/value heads, `hd` head dim, `t` tokens of a segment.
struct AttentionBlock: MixerBlock {
  let configuration: Attention
  let rotary: RotaryTable?
  private let H: Int
  private let q: Projection
  private let k: Projection
  private let v: Projection
  private let gate: Projection?
  private let o: Projection
  let qNorm: Norm?
  let kNorm: Norm?
  /// What chooses the positions that queries see; nil where they see all before them.
  private let selector: BlockSelector?

  var nh: Int { configuration.heads }
  var nkv: Int { configuration.kvHeads }
  var hd: Int { configuration.headDim }

  init(_ configuration: Attention, _ binder: Binder, rotary: RotaryTable?) throws {
    self.configuration = configuration
    self.rotary = rotary
    H = binder.model.configuration.hidden
    let (nh, nkv, hd) = (configuration.heads, configuration.kvHeads, configuration.headDim)
    let bias = configuration.hasBias
    q = try binder.projection("attention.q", nh * hd, H, bias: bias)
    k = try binder.projection("attention.k", nkv * hd, H, bias: bias)
    v = try binder.projection("attention.v", nkv * hd, H, bias: bias)
    gate =
      configuration.hasGate
      ? try binder.projection("attention.gate", nh * hd, H, bias: bias) : nil
    o = try binder.projection("attention.o", H, nh * hd, bias: configuration.hasOutputBias)
    selector =
      configuration.choosesBlocks
      ? try BlockSelector(configuration, binder, rotary: rotary) : nil
    switch configuration.qkNorm {
    case .none: (qNorm, kNorm) = (nil, nil)
    case .head:
      qNorm = try binder.norm("attention.q_norm", hd)
      kNorm = try binder.norm("attention.k_norm", hd)
    case .projection:
      qNorm = try binder.norm("attention.q_norm", nh * hd)
      kNorm = try binder.norm("attention.k_norm", nkv * hd)
    }
  }

  private var softmax: SoftmaxHeads {
    SoftmaxHeads(
      nh: nh, nkv: nkv, dk: hd, dv: hd, scale: Float(configuration.scoreScale),
      window: configuration.window)
  }

  var keepsEveryPosition: Bool { configuration.window == nil }

  func makeState(capacity: Int, segmentLength: Int) throws -> (any MixerState)? {
    guard let selector else {
      return try softmax.makeCache(capacity: capacity, segmentLength: segmentLength)
    }
    return try KeyValueCache(
      softmax, choosing: selector, capacity: capacity, segmentLength: segmentLength)
  }

  struct Buffers {
    let panels: UnsafeMutablePointer<Float>  // [t, H] packed
    let q: UnsafeMutablePointer<Float>  // [t, nh·hd]
    let k: UnsafeMutablePointer<Float>  // [t, nkv·hd]
    let v: UnsafeMutablePointer<Float>  // [t, nkv·hd]
    let gate: UnsafeMutablePointer<Float>  // [t, nh·hd]
    let y: UnsafeMutablePointer<Float>  // [t, nh·hd]
    let outputPanels: UnsafeMutablePointer<Float>  // [t, nh·hd] packed
    let selector: BlockSelector.Buffers?

    init(_ block: AttentionBlock, tokens t: Int, _ arena: inout Arena) {
      let (queries, keys) = (block.nh * block.hd, block.nkv * block.hd)
      panels = arena.take(Operand.panelCount(tokens: t, depth: block.H))
      q = arena.take(t * queries)
      k = arena.take(t * keys)
      v = arena.take(t * keys)
      gate = arena.take(block.gate == nil ? 0 : t * queries)
      y = arena.take(t * queries)
      outputPanels = arena.take(Operand.panelCount(tokens: t, depth: queries))
      selector = block.selector.map { BlockSelector.Buffers($0, tokens: t, &arena) }
    }
  }

  func measure(tokens t: Int, _ arena: inout Arena) { _ = Buffers(self, tokens: t, &arena) }

  var workerScratch: Int { softmax.workerScratch }

  /// - Shape: `x` and `output` `[t, H]`.
  func forward(
    _ x: UnsafePointer<Float>, _ segment: Segment, layer: Int, _ workspace: Workspace,
    output: UnsafeMutablePointer<Float>
  ) {
    let t = segment.count
    var arena = workspace.arena
    let buffers = Buffers(self, tokens: t, &arena)
    let input = workspace.pack(x, tokens: t, depth: H, panels: buffers.panels)
    workspace.multiply(input, q, to: buffers.q)
    workspace.multiply(input, k, to: buffers.k)
    workspace.multiply(input, v, to: buffers.v)
    if let gate { workspace.multiply(input, gate, to: buffers.gate) }
    if let selector, let own = buffers.selector { selector.project(input, own, workspace) }
    // Sequence by sequence, because each has keys and values of its own: all of its new ones are
    // stored before any query reads them.
    for slice in segment.slices {
      let cache = slice.cache(layer)
      workspace.pool.run(slice.rows.count, by: 16) { rows in
        for row in rows { prepare(row, slice, buffers, segment, cache) }
      }
      if let selector, let own = buffers.selector, let blocks = cache.blocks {
        selector.run(slice, own, segment, blocks, workspace)
      }
      softmax.run(buffers.q, slice, layer: layer, workspace, to: buffers.y)
    }
    if configuration.isExclusive {
      workspace.pool.run(t, by: 16) { rows in
        for row in rows { removeOwnValues(row, buffers) }
      }
    }
    if gate != nil {
      workspace.activate(
        buffers.gate, .sigmoid, rows: t, width: nh * hd, times: buffers.y)
    }
    let y = workspace.pack(
      gate == nil ? buffers.y : buffers.gate, tokens: t, depth: nh * hd,
      panels: buffers.outputPanels)
    workspace.multiply(y, o, to: output)
  }
}
