import Canonical

/// Which tensors an M²RNN layer has.
enum M2RNNRoles {
  /// The role names of a layer with the given options.
  static func names(_ mixer: M2RNN) -> [String] {
    var names = ["q", "k", "v", "f", "g", "o", "A_log", "dt_bias", "W"]
    if mixer.hasBias { names += ["q", "k", "v", "f", "g"].map { $0 + ".bias" } }
    if mixer.taps > 0 {
      names += ["conv.q", "conv.k", "conv.v"]
      if mixer.hasBias { names += ["conv.q.bias", "conv.k.bias", "conv.v.bias"] }
    }
    if mixer.activation == .prelu { names.append("conv.slope") }
    if mixer.hasResidual { names.append("D") }
    if mixer.norm != nil { names.append("norm") }
    if mixer.norm == .layernorm { names.append("norm.bias") }
    return names.map { "m2rnn." + $0 }
  }
}
