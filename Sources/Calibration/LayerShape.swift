import Canonical
import Diagnostics
import Runtime

/// The sizes of an M²RNN layer that is fitted, and where its values stand in one buffer.
///
/// Maths letters: `H` hidden, `N` heads of `K` × `V` states, `C` channels of the convolution (one query,
/// one key head, N value heads), `R` rows of the joined input projection (C, then N forget gates, then
/// N·V output gates).
struct LayerShape: Hashable, Sendable {
  let H: Int
  let N: Int
  let K: Int
  let V: Int
  let taps: Int

  /// - Throws: `Problem` of kind `unsupported` for a layer of another kind than `M2RNNSizing` makes.
  init(_ mixer: M2RNN, hidden: Int) throws {
    let isPlain =
      mixer.queryHeads == 1 && mixer.keyHeads == 1
      && [mixer.valueHeads, mixer.forgetHeads, mixer.gateHeads, mixer.weightHeads]
        .allSatisfy { $0 == mixer.heads }
      && mixer.hasResidual && !mixer.hasBias && mixer.taps > 0 && mixer.activation == .silu
      && mixer.norm == .rmsnorm
    guard isPlain else {
      throw Problem(
        .unsupported, "cannot fit an M²RNN layer of this kind",
        expected: "one query and one key head, silu, a convolution, residual and rmsnorm",
        remedy: "use --init donor to take such a layer as it is")
    }
    (H, N, K, V) = (hidden, mixer.heads, mixer.keyDim, mixer.valueDim)
    taps = mixer.taps
  }

  var NV: Int { N * V }
  var C: Int { 2 * K + NV }
  var R: Int { C + N + NV }
  /// V rounded up to what the kernels read.
  var Vp: Int {
    let padding = kernels.matrixRecurrence.padding
    return (V + padding - 1) / padding * padding
  }

  /// Some values of the layer: the part of a role, or roles that stand side by side.
  enum Parameter: Int, CaseIterable {
    case q, k, v, f, g, convQ, convK, convV, decay, bias, weight, D, norm, o
  }

  /// The role of each parameter.
  static func role(_ parameter: Parameter) -> String {
    switch parameter {
    case .q: "m2rnn.q"
    case .k: "m2rnn.k"
    case .v: "m2rnn.v"
    case .f: "m2rnn.f"
    case .g: "m2rnn.g"
    case .convQ: "m2rnn.conv.q"
    case .convK: "m2rnn.conv.k"
    case .convV: "m2rnn.conv.v"
    case .decay: "m2rnn.A_log"
    case .bias: "m2rnn.dt_bias"
    case .weight: "m2rnn.W"
    case .D: "m2rnn.D"
    case .norm: "m2rnn.norm"
    case .o: "m2rnn.o"
    }
  }

  /// The number of values of a parameter.
  func count(_ parameter: Parameter) -> Int {
    switch parameter {
    case .q, .k: K * H
    case .v, .g: NV * H
    case .f: N * H
    case .convQ, .convK: K * taps
    case .convV: NV * taps
    case .decay, .bias: N
    case .weight: N * V * V
    case .D, .norm: NV
    case .o: H * NV
    }
  }

  /// Where a parameter begins.
  func offset(_ parameter: Parameter) -> Int {
    Parameter.allCases.prefix { $0 != parameter }.reduce(0) { $0 + count($1) }
  }

  /// The number of all values.
  var parameterCount: Int { Parameter.allCases.reduce(0) { $0 + count($1) } }
}
