import Diagnostics

/// The canonical shape of every role, in symbols: the definition of the canonical form.
///
/// Heads are grouped as the mathematics reads them (value head h reads key head `h / (nv / nk)`),
/// q, k, v, z, b and a stand apart, experts stand apart, convolution taps are the last axis with the
/// newest input last, A_log is the logarithm.
public enum RoleShapes {
  /// To what a tensor belongs.
  public enum Scope: Sendable {
    case model
    case layer
    case expert
  }

  /// The scope of a role name, or nil for an unknown one.
  public static func scope(_ name: String) -> Scope? {
    guard table[name] != nil else { return nil }
    if name.hasPrefix("expert.") { return .expert }
    return modelRoles.contains(name) ? .model : .layer
  }

  /// The symbolic shape of a role, or nil for an unknown one.
  public static func shape(_ name: String) -> [SizeExpression]? { table[name] }

  private static let modelRoles: Set<String> = [
    "embedding", "positions", "final_norm", "final_norm.bias", "head", "mtp.fc",
    "mtp.embedding_norm", "mtp.hidden_norm", "mtp.norm",
  ]

  private static let table: [String: [SizeExpression]] = sources.mapValues { extents in
    extents.map { text in
      guard let expression = try? SizeExpression(text) else {
        preconditionFailure("role shape \(text)")
      }
      return expression
    }
  }

  private static let sources: [String: [String]] = [
    "embedding": ["vocab", "H"],
    "positions": ["P", "H"],
    "final_norm": ["H"], "final_norm.bias": ["H"],
    "head": ["vocab", "H"],

    "mtp.fc": ["H", "2*H"],
    "mtp.embedding_norm": ["H"], "mtp.hidden_norm": ["H"], "mtp.norm": ["H"],

    "mixer_norm": ["H"], "mixer_norm.bias": ["H"],
    "mlp_norm": ["H"], "mlp_norm.bias": ["H"],

    "attention.q": ["nh*hd", "H"], "attention.q.bias": ["nh*hd"],
    "attention.k": ["nkv*hd", "H"], "attention.k.bias": ["nkv*hd"],
    "attention.v": ["nkv*hd", "H"], "attention.v.bias": ["nkv*hd"],
    "attention.gate": ["nh*hd", "H"], "attention.gate.bias": ["nh*hd"],
    "attention.q_norm": ["qn"], "attention.k_norm": ["kn"],
    "attention.o": ["H", "nh*hd"], "attention.o.bias": ["H"],

    "gdn.q": ["nk*dk", "H"], "gdn.k": ["nk*dk", "H"], "gdn.v": ["nv*dv", "H"],
    "gdn.z": ["nv*dv", "H"], "gdn.b": ["nv", "H"], "gdn.a": ["nv", "H"],
    "gdn.conv.q": ["nk*dk", "taps"], "gdn.conv.k": ["nk*dk", "taps"],
    "gdn.conv.v": ["nv*dv", "taps"],
    "gdn.A_log": ["nv"], "gdn.dt_bias": ["nv"],
    "gdn.norm": ["dv"],
    "gdn.o": ["H", "nv*dv"],

    "m2rnn.q": ["Nq*K", "H"], "m2rnn.q.bias": ["Nq*K"],
    "m2rnn.k": ["Nk*K", "H"], "m2rnn.k.bias": ["Nk*K"],
    "m2rnn.v": ["Nv*V", "H"], "m2rnn.v.bias": ["Nv*V"],
    "m2rnn.f": ["Nf", "H"], "m2rnn.f.bias": ["Nf"],
    "m2rnn.g": ["Ng*V", "H"], "m2rnn.g.bias": ["Ng*V"],
    "m2rnn.conv.q": ["Nq*K", "taps"], "m2rnn.conv.q.bias": ["Nq*K"],
    "m2rnn.conv.k": ["Nk*K", "taps"], "m2rnn.conv.k.bias": ["Nk*K"],
    "m2rnn.conv.v": ["Nv*V", "taps"], "m2rnn.conv.v.bias": ["Nv*V"],
    "m2rnn.conv.slope": ["1"],
    "m2rnn.A_log": ["N"], "m2rnn.dt_bias": ["N"],
    "m2rnn.W": ["Nw", "V", "V"],
    "m2rnn.D": ["N", "V"],
    "m2rnn.norm": ["N*V"], "m2rnn.norm.bias": ["N*V"],
    "m2rnn.o": ["H", "Ng*V"],

    "mlp.gate": ["I", "H"], "mlp.gate.bias": ["I"],
    "mlp.up": ["I", "H"], "mlp.up.bias": ["I"],
    "mlp.down": ["H", "I"], "mlp.down.bias": ["H"],
    "mlp.slope": ["1"],

    "moe.router": ["E", "H"],
    "expert.gate": ["I", "H"], "expert.gate.bias": ["I"],
    "expert.up": ["I", "H"], "expert.up.bias": ["I"],
    "expert.down": ["H", "I"], "expert.down.bias": ["H"],
    "shared.gate": ["Is", "H"], "shared.gate.bias": ["Is"],
    "shared.up": ["Is", "H"], "shared.up.bias": ["Is"],
    "shared.down": ["H", "Is"], "shared.down.bias": ["H"],
    "shared.router": ["1", "H"],
  ]
}
