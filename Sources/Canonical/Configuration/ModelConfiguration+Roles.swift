extension ModelConfiguration {
  /// The tensors of the model that belong to no layer.
  static let roles: [RoleRule<ModelConfiguration>] =
    trunk + connection("final_hyper", shows: [.norms]) + prediction

  private static let trunk: [RoleRule<ModelConfiguration>] = [
    RoleRule("embedding", ["vocab", "H"]),
    RoleRule("positions", ["P", "H"]) { $0.position == .learned },
    RoleRule("final_norm", ["H"], .centred, shows: [.norms]) { !$0.hasStreams },
    RoleRule("final_norm.bias", ["H"]) { $0.norm == .layernorm },
    RoleRule("head", ["vocab", "H"]) { $0.head == .own },
  ]

  private static let prediction: [RoleRule<ModelConfiguration>] = [
    RoleRule("mtp.fc", ["H", "2*H"]) { $0.predictionLayers > 0 },
    RoleRule("mtp.embedding_norm", ["H"], .centred) { $0.predictionLayers > 0 },
    RoleRule("mtp.hidden_norm", ["H"], .centred) { $0.predictionLayers > 0 },
    RoleRule("mtp.norm", ["H"], .centred) { $0.predictionLayers > 0 },
  ]

  /// The tensors of a hyper-connection: the norms of all streams side by side, and the two matrices that
  /// weigh what of each is read.
  fileprivate static func connection(_ name: String, shows aspects: Set<FormAspect> = [])
    -> [RoleRule<ModelConfiguration>]
  {
    [
      RoleRule("\(name).norm", ["S*H"], .centred, shows: aspects) { $0.hasStreams },
      RoleRule("\(name).down", ["Rh", "S*H"], .quantised) { $0.hasStreams },
      RoleRule("\(name).up", ["S*H", "Rh"], .quantised) { $0.hasStreams },
    ]
  }

  /// The same, with the matrix that says how much of a block's output each stream gets.
  fileprivate static func injection(_ name: String) -> [RoleRule<ModelConfiguration>] {
    connection(name) + [RoleRule("\(name).inject", ["S", "S*H"], .quantised) { $0.hasStreams }]
  }
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
        + NgramEmbedding.roles.filter { $0.isPresent(layer.ngrams) }.map(\.name)
        + (FeedForward.roles + FeedForward.expertRoles).filter { $0.isPresent(block) }.map(\.name))
  }
}

extension LayerConfiguration {
  /// The tensors that a layer has beside those of its blocks.
  static let roles: [RoleRule<ModelConfiguration>] =
    [
      RoleRule("mixer_norm", ["H"], .centred) { !$0.hasStreams },
      RoleRule("mixer_norm.bias", ["H"]) { $0.norm == .layernorm },
      RoleRule("mlp_norm", ["H"], .centred) { !$0.hasStreams },
      RoleRule("mlp_norm.bias", ["H"]) { $0.norm == .layernorm },
    ] + ModelConfiguration.injection("mixer_hyper") + ModelConfiguration.injection("mlp_hyper")
}
