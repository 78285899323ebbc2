extension ModelConfiguration {
  /// The tensors of the model that belong to no layer.
  static let roles: [RoleRule<ModelConfiguration>] = [
    RoleRule("embedding", ["vocab", "H"]),
    RoleRule("positions", ["P", "H"]) { $0.position == .learned },
    RoleRule("final_norm", ["H"], .centred, shows: [.norms]),
    RoleRule("final_norm.bias", ["H"]) { $0.norm == .layernorm },
    RoleRule("head", ["vocab", "H"]) { $0.head == .own },

    RoleRule("mtp.fc", ["H", "2*H"]) { $0.predictionLayers > 0 },
    RoleRule("mtp.embedding_norm", ["H"], .centred) { $0.predictionLayers > 0 },
    RoleRule("mtp.hidden_norm", ["H"], .centred) { $0.predictionLayers > 0 },
    RoleRule("mtp.norm", ["H"], .centred) { $0.predictionLayers > 0 },
  ]
}

extension LayerConfiguration {
  /// The tensors that a layer has beside those of its blocks.
  static let roles: [RoleRule<ModelConfiguration>] = [
    RoleRule("mixer_norm", ["H"], .centred),
    RoleRule("mixer_norm.bias", ["H"]) { $0.norm == .layernorm },
    RoleRule("mlp_norm", ["H"], .centred),
    RoleRule("mlp_norm.bias", ["H"]) { $0.norm == .layernorm },
  ]
}
