import Canonical
import Kernels

/// The n-gram embeddings of one layer with their weights.
///
/// Maths letters: `S` streams of width `H`, `Dp` dims of the rows of a token, `t` tokens of a segment.
struct NgramBlock: Sendable {
  private let configuration: NgramEmbedding
  private let S: Int
  private let H: Int
  private let hash: NgramHash
  private let table: NgramTable
  private let key: Projection
  private let value: Projection
  private let keyNorm: StreamNorm
  private let queryNorm: StreamNorm
  private let convolutionNorm: StreamNorm
  private let convolution: SpacedConvolution

  private var width: Int { S * H }
  private var Dp: Int { configuration.dim }

  init(_ configuration: NgramEmbedding, _ binder: Binder) throws {
    self.configuration = configuration
    let model = binder.model.configuration
    (S, H) = (model.streams, model.hidden)
    hash = NgramHash(configuration)
    let rows = configuration.rows ?? 0
    table = try NgramTable(
      binder.tensor("ngram.table", [rows, configuration.rowDim]), rows: rows,
      dim: configuration.rowDim)
    key = try binder.projection("ngram.key", S * H, configuration.dim)
    value = try binder.projection("ngram.value", H, configuration.dim)
    keyNorm = try StreamNorm("ngram.key_norm", binder)
    queryNorm = try StreamNorm("ngram.query_norm", binder)
    convolutionNorm = try StreamNorm("ngram.conv_norm", binder)
    convolution = try SpacedConvolution(
      taps: configuration.taps, spacing: configuration.order, channels: S * H,
      weight: binder.values("ngram.conv", [S * H, configuration.taps]))
  }

  /// The state of an empty sequence.
  func makeState() throws -> NgramState {
    try NgramState(
      context: hash.context, separator: hash.separator, tail: convolution.history * width)
  }

  private struct Buffers {
    let rows: UnsafeMutablePointer<Float>  // [t, Dp]
    let panels: UnsafeMutablePointer<Float>  // [t, Dp] packed
    let key: UnsafeMutablePointer<Float>  // [t, S·H]
    let query: UnsafeMutablePointer<Float>  // [t, S·H]; then what the convolution adds
    let value: UnsafeMutablePointer<Float>  // [t, H]
    let input: UnsafeMutablePointer<Float>  // [history + t, S·H]
    let product: UnsafeMutablePointer<Float>  // [t, S·H]

    init(_ block: NgramBlock, tokens t: Int, _ arena: inout Arena) {
      rows = arena.take(t * block.Dp)
      panels = arena.take(Operand.panelCount(tokens: t, depth: block.Dp))
      key = arena.take(t * block.width)
      query = arena.take(t * block.width)
      value = arena.take(t * block.H)
      input = arena.take((block.convolution.history + t) * block.width)
      product = arena.take(t * block.width)
    }
  }

  /// Takes the scratch memory of a segment.
  func measure(tokens t: Int, _ arena: inout Arena) { _ = Buffers(self, tokens: t, &arena) }

  /// Adds the embeddings to the streams in the workspace, `[t, S·H]`.
  /// - Throws: `Problem` of kind `io` where a row of the table cannot be read.
  func forward(_ segment: Segment, layer: Int, _ workspace: Workspace) throws {
    let t = segment.count
    let streams = workspace.hidden.pointer
    var arena = workspace.arena
    let buffers = Buffers(self, tokens: t, &arena)
    for slice in segment.slices { try lookUp(slice, layer, to: buffers.rows) }
    let operand = workspace.pack(buffers.rows, tokens: t, depth: Dp, panels: buffers.panels)
    workspace.multiply(operand, key, to: buffers.key)
    workspace.multiply(operand, value, to: buffers.value)
    keyNorm.apply(buffers.key, rows: t, to: buffers.key, workspace.pool)
    queryNorm.apply(streams, rows: t, to: buffers.query, workspace.pool)
    // Where the keys were stands then what the gates leave of the values, for each stream.
    workspace.pool.run(t, by: 16) { rows in
      for row in rows { weigh(row, buffers) }
    }
    for slice in segment.slices { convolve(slice, layer, buffers, workspace) }
    workspace.activate(buffers.query, .silu, rows: t, width: width)
    kernels.elementwise.add(streams, buffers.key, scale: 1, count: t * width)
    kernels.elementwise.add(streams, buffers.query, scale: 1, count: t * width)
  }

  /// Reads the rows of the tokens of one sequence.
  private func lookUp(
    _ slice: Segment.Slice, _ layer: Int, to rows: UnsafeMutablePointer<Float>
  ) throws {
    let state = slice.ngrams(layer)
    for (index, token) in slice.tokens.enumerated() {
      let place = rows + (slice.rows.lowerBound + index) * Dp
      try hash.forEachRow(token, before: state.tokens) { head, row in
        try table.read(row, to: place + head * configuration.rowDim)
      }
      state.append(token)
    }
  }

  /// `v_s = sigmoid(g_s) · value`, where g is the root of `key · query / √H` with its sign.
  private func weigh(_ row: Int, _ buffers: Buffers) {
    for stream in 0..<S {
      let key = buffers.key + (row * S + stream) * H
      let query = buffers.query + (row * S + stream) * H
      let product = kernels.elementwise.dot(key, query, count: H) / Float(H).squareRoot()
      let root = max(abs(product), 1e-6).squareRoot()
      var gate: Float = product == 0 ? 0 : product < 0 ? -root : root
      kernels.activations.sigmoid(&gate, 1, 0)
      key.update(from: buffers.value + row * H, count: H)
      kernels.elementwise.scale(key, by: gate, count: H)
    }
  }

  /// Convolves the normalised values of one sequence and keeps the last ones.
  private func convolve(
    _ slice: Segment.Slice, _ layer: Int, _ buffers: Buffers, _ workspace: Workspace
  ) {
    let (count, first) = (slice.rows.count, slice.rows.lowerBound * width)
    let tail = slice.ngrams(layer).tail
    buffers.input.update(from: tail.pointer, count: tail.count)
    convolutionNorm.apply(
      buffers.key + first, rows: count, to: buffers.input + tail.count, workspace.pool)
    workspace.pool.run(count, by: 16) { rows in
      for row in rows {
        convolution.apply(
          buffers.input + row * width, to: buffers.query + first + row * width,
          product: buffers.product + first + row * width)
      }
    }
    tail.pointer.update(from: buffers.input + count * width, count: tail.count)
  }
}

extension Segment.Slice {
  /// The state of the n-gram embeddings of a layer.
  func ngrams(_ layer: Int) -> NgramState {
    guard let state = ngrams[layer] else { preconditionFailure("no n-grams") }
    return state
  }
}
