import Canonical
import Diagnostics
import LinearAlgebra

/// The values of an M²RNN layer taken from the layer it replaces, by what they mean.
///
/// - Forget gate: `exp(-exp(A_log) softplus(a + dt_bias))` is the formula of Gated DeltaNet too, so that a head
///   takes row, `A_log` and `dt_bias` of the old value head in whose place it stands (`HeadGroups`); those of
///   Kimi Delta Attention become one for each head first (`MeanDecay`).
/// - Channels: those of values are made group by group (`ChannelMixture`), those of queries and keys
///   all together. Rows are mixed, taps, gate rows and norm weights averaged, columns of the output
///   projection mixed.
/// - The state weight and D are zero: where `k vᵀ` is small the layer is then the old one without what
///   that erases, with `1 - f` in the place of beta and without unit length of queries and keys.
/// - What has no old channel is drawn as in a fresh layer and not read: its rows of queries, or its
///   columns of the output projection, are zero.
struct TransferInitialisation {
  /// The values that are not those of a fresh layer, by role.
  var values: [String: [Float]] = [:]
  let source: CanonicalModel
  let layer: Int
  let old: any ReplacedLayer
  let new: M2RNN
  let fresh: ReferenceInitialisation

  /// Computes the values of every role that keeps a meaning.
  /// - Precondition: `new` is a layer of `M2RNNSizing`: one query and one key head, N of all others.
  /// - Throws: `Problem` where a tensor of the old layer is absent or cannot be computed with.
  /// - Cost: singular value decompositions as wide as the channels of the old layer's queries, and of
  ///   each of its groups of values, where the new layer has fewer.
  init(
    from source: CanonicalModel, layer: Int, old: any ReplacedLayer, new: M2RNN,
    fresh: ReferenceInitialisation
  ) throws {
    (self.source, self.layer, self.old, self.new, self.fresh) = (source, layer, old, new, fresh)
    try addKeys()
    try addValues()
    try addForgetGates()
    try scaleTaps()
    values["m2rnn.W"] = Array(repeating: 0, count: new.weightHeads * new.valueDim * new.valueDim)
    values["m2rnn.D"] = Array(repeating: 0, count: new.heads * new.valueDim)
  }

  var H: Int { source.configuration.hidden }

  /// Whether the taps of the old layer can be reused.
  var keepsTaps: Bool { old.taps > 0 && old.taps == new.taps }

  var tensors: ReplacedTensors { ReplacedTensors(source: source, layer: layer) }

  /// A tensor of the old layer.
  func matrix(_ name: String, _ rows: Int, _ columns: Int) throws -> Matrix {
    try tensors.matrix(name, rows, columns)
  }

  /// The values a fresh layer has.
  func drawn(_ name: String, _ rows: Int, _ columns: Int) -> Matrix {
    Matrix(rows: rows, columns: columns, fresh.values("m2rnn." + name, count: rows * columns))
  }

  mutating func set(_ name: String, _ matrix: Matrix) {
    values["m2rnn." + name] = matrix.values.map { Float($0) }
  }

  /// The heads of queries and keys become the channels of one head, which all others share.
  private mutating func addKeys() throws {
    let channels = old.keyChannels
    let (q, k) = (try matrix("q", channels, H), try matrix("k", channels, H))
    let mixture = ChannelMixture(written: k, read: q, count: new.keyDim)
    set("q", mixture.reading * q)
    set("k", mixture.filled(mixture.writing * k, from: drawn("k", new.keyDim, H)))
    guard keepsTaps else { return }
    for (name, weights) in [("conv.q", mixture.reading), ("conv.k", mixture.writing)] {
      let taps = ChannelMixture.averages(weights, try matrix(name, channels, old.taps))
      set(name, mixture.filled(taps, from: drawn(name, new.keyDim, new.taps)))
    }
  }

  /// A head that stands for several old ones takes the mean of their rows, `A_log` and `dt_bias`.
  private mutating func addForgetGates() throws {
    var weights = Matrix(rows: new.heads, columns: old.valueHeads)
    for group in HeadGroups(old: old.valueHeads, new: new.heads).groups {
      for head in group.new {
        for source in group.old { weights[head, source] = 1 / Double(group.old.count) }
      }
    }
    let gates = try old.forgetGates(tensors)
    set("f", weights * gates.rows)
    set("A_log", weights * gates.logA)
    set("dt_bias", weights * gates.bias)
  }
}
