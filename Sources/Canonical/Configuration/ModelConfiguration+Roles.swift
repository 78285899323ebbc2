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

extension ModelConfiguration {
  /// The names of the roles that a layer has, or the model beside its layers and those of multi-token
  /// prediction; nothing is known of a mixer that is only carried.
  public func roleNames(of layer: LayerConfiguration?) -> Set<String> {
    guard let layer else {
      return Set(
        Self.roles.filter { $0.isPresent(self) && !$0.name.hasPrefix("mtp.") }.map(\.name))
    }
    let block = layer.feedForward
    return Set(
      LayerConfiguration.roles.filter { $0.isPresent(self) }.map(\.name)
        + layer.mixer.roleNames
        + (FeedForward.roles + FeedForward.expertRoles).filter { $0.isPresent(block) }.map(\.name))
  }
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
