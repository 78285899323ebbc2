import Canonical
import Kernels

/// A multi-head latent attention mixer with its weights.
///
/// The cache holds the short vectors, not the keys and values that come from them. For that the matrix that
/// makes keys is applied to queries instead, `q · (W c) = (Wᵀ q) · c`, and the one that makes values to
/// the weighted sum of vectors; all heads then share one key and one value for each position.
///
/// Maths letters: `nh` heads, `dn`, `dr`, `dv` their dims, `R` and `Q` the dims of the short vectors, `t`
/// tokens of a segment.
struct LatentAttentionBlock: MixerBlock {
  let configuration: LatentAttention
  let rotary: RotaryTable?
  private let scale: Float
  private let H: Int
  private let queryInner: Projection?
  private let queryNorm: Norm?
  private let q: Projection
  private let kv: Projection
  let norm: Norm
  private let gate: Projection?
  private let o: Projection
  /// For each head, `Wᵀ` of keys, `[R, dn]`, and W of values, `[dv, R]`.
  let heads: [(key: Projection, value: Projection)]

  var nh: Int { configuration.heads }
  var dn: Int { configuration.keyDim }
  var dr: Int { configuration.sharedDim }
  var dv: Int { configuration.valueDim }
  var R: Int { configuration.rank }
  private var Q: Int { configuration.queryRank }

  /// - Cost: 4 bytes of memory for each value of the matrices that make keys and values.
  init(_ configuration: LatentAttention, _ binder: Binder, rotary: RotaryTable?) throws {
    self.configuration = configuration
    self.rotary = rotary
    let model = binder.model.configuration
    H = model.hidden
    scale = Float(configuration.scoreScale(model.ropeScaling))
    let (nh, Q, R) = (configuration.heads, configuration.queryRank, configuration.rank)
    func norm(_ name: String, _ width: Int) throws -> Norm {
      Norm(
        kind: .rmsnorm, width: width,
        epsilon: Float(configuration.normEpsilon ?? model.normEpsilon),
        weight: try binder.vector(name, [width]), bias: nil)
    }
    let queries = nh * (configuration.keyDim + configuration.sharedDim)
    if Q > 0 {
      queryInner = try binder.projection("mla.q_a", Q, H, bias: configuration.hasBias)
      queryNorm = try norm("mla.q_norm", Q)
      q = try binder.projection("mla.q_b", queries, Q)
    } else {
      (queryInner, queryNorm) = (nil, nil)
      q = try binder.projection("mla.q", queries, H)
    }
    kv = try binder.projection(
      "mla.kv_a", R + configuration.sharedDim, H, bias: configuration.hasBias)
    self.norm = try norm("mla.kv_norm", R)
    gate = configuration.hasGate ? try binder.projection("mla.gate", nh, H) : nil
    o = try binder.projection(
      "mla.o", H, nh * configuration.valueDim, bias: configuration.hasBias)
    heads = try Self.heads(configuration, binder)
  }

  private static func heads(_ configuration: LatentAttention, _ binder: Binder) throws
    -> [(key: Projection, value: Projection)]
  {
    let (nh, R) = (configuration.heads, configuration.rank)
    let (dn, dv) = (configuration.keyDim, configuration.valueDim)
    let keys = try binder.values("mla.k_b", [nh * dn, R])
    let values = try binder.values("mla.v_b", [nh * dv, R])
    return try (0..<nh).map { head in
      let transposed = (0..<R).flatMap { r in (0..<dn).map { keys[(head * dn + $0) * R + r] } }
      return (
        try projection(transposed, R, dn, "mla.k_b"),
        try projection(Array(values[head * dv * R..<(head + 1) * dv * R]), dv, R, "mla.v_b")
      )
    }
  }

  private static func projection(_ values: [Float], _ rows: Int, _ columns: Int, _ name: String)
    throws -> Projection
  {
    let tensor = CanonicalTensor(shape: [rows, columns], values: values, origin: name)
    return Projection(
      weight: try WeightMatrix(tensor, rows: rows, columns: columns), bias: nil)
  }

  private var softmax: SoftmaxHeads {
    SoftmaxHeads(
      nh: nh, nkv: 1, dk: R + dr, dv: R, scale: scale, window: nil)
  }

  var keepsEveryPosition: Bool { true }

  func makeState(capacity: Int, segmentLength: Int) throws -> (any MixerState)? {
    try softmax.makeCache(capacity: capacity, segmentLength: segmentLength)
  }

  var workerScratch: Int { softmax.workerScratch }

  struct Buffers {
    let panels: UnsafeMutablePointer<Float>  // [t, H] packed
    let inner: UnsafeMutablePointer<Float>  // [t, Q]
    let innerPanels: UnsafeMutablePointer<Float>  // [t, Q] packed
    let q: UnsafeMutablePointer<Float>  // [t, nh·(dn + dr)]
    let kv: UnsafeMutablePointer<Float>  // [t, R + dr]
    let gate: UnsafeMutablePointer<Float>  // [t, nh]
    let rows: UnsafeMutablePointer<Float>  // [nh, t, dn or R]
    let rowPanels: UnsafeMutablePointer<Float>  // [nh, t, dn or R] packed
    let queries: UnsafeMutablePointer<Float>  // [t, nh·(R + dr)]
    let sums: UnsafeMutablePointer<Float>  // [t, nh·R]
    let y: UnsafeMutablePointer<Float>  // [t, nh·dv]
    let outputPanels: UnsafeMutablePointer<Float>  // [t, nh·dv] packed

    init(_ block: LatentAttentionBlock, tokens t: Int, _ arena: inout Arena) {
      let (nh, depth) = (block.nh, max(block.dn, block.R))
      panels = arena.take(Operand.panelCount(tokens: t, depth: block.H))
      inner = arena.take(t * block.Q)
      innerPanels = arena.take(block.Q == 0 ? 0 : Operand.panelCount(tokens: t, depth: block.Q))
      q = arena.take(t * nh * (block.dn + block.dr))
      kv = arena.take(t * (block.R + block.dr))
      gate = arena.take(block.gate == nil ? 0 : t * nh)
      rows = arena.take(nh * t * depth)
      rowPanels = arena.take(nh * Operand.panelCount(tokens: t, depth: depth))
      queries = arena.take(t * nh * (block.R + block.dr))
      sums = arena.take(t * nh * block.R)
      y = arena.take(t * nh * block.dv)
      outputPanels = arena.take(Operand.panelCount(tokens: t, depth: nh * block.dv))
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
    let input = workspace.pack(x, tokens: t, depth: H, panels: buffers.panels)
    workspace.multiply(input, kv, to: buffers.kv)
    project(input, buffers, workspace)
    workspace.pool.run(nh) { head, worker in
      absorbKeys(head, tokens: t, buffers, workspace.scratch(worker))
    }
    // Sequence by sequence, because each has vectors of its own: all of its new ones are stored before
    // any query reads them.
    for slice in segment.slices {
      let cache = slice.cache(layer)
      workspace.pool.run(slice.rows.count, by: 16) { rows in
        for row in rows { prepare(row, slice, buffers, segment, cache) }
      }
      softmax.run(buffers.queries, slice, layer: layer, workspace, to: buffers.sums)
    }
    workspace.pool.run(nh) { head, worker in
      makeValues(head, tokens: t, buffers, workspace.scratch(worker))
    }
    if let gate {
      workspace.multiply(input, gate, to: buffers.gate)
      workspace.pool.run(t, by: 16) { rows in
        for row in rows { applyGate(row, buffers) }
      }
    }
    let y = workspace.pack(
      buffers.y, tokens: t, depth: nh * dv, panels: buffers.outputPanels)
    workspace.multiply(y, o, to: output)
  }

  /// Queries of all heads, from the input or from a short vector.
  private func project(_ input: Operand, _ buffers: Buffers, _ workspace: Workspace) {
    guard let queryInner, let queryNorm else {
      return workspace.multiply(input, q, to: buffers.q)
    }
    workspace.multiply(input, queryInner, to: buffers.inner)
    queryNorm.apply(buffers.inner, rows: input.tokens, to: buffers.inner, workspace.pool)
    let inner = workspace.pack(
      buffers.inner, tokens: input.tokens, depth: Q, panels: buffers.innerPanels)
    workspace.multiply(inner, q, to: buffers.q)
  }
}
