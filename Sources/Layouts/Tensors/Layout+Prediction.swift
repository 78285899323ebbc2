import Canonical

extension Layout {
  /// The stored tensors of multi-token prediction, one list for each way in which the layout stores
  /// them; none where it only carries them or the model has none.
  /// - Parameter halves: how the halves of `mtp.fc` stand, where it is not as the layout says.
  /// - Throws: `Problem` of kind `invalid` where a rule does not fit the model.
  public func predictionTensors(
    _ configuration: ModelConfiguration, halves: Assumption.Halves = .kept
  ) throws -> [[BoundTensor]] {
    guard let prediction, !configuration.predictions.isEmpty else { return [] }
    var model = RuleScope(self, configuration, layer: nil, valueHeads: nil)
    model.halves = halves
    let scopes = configuration.predictions.indices.map { index in
      RuleScope(
        self, configuration, prediction: index,
        namedBy: prediction.isCountedApart ? index : configuration.layers.count + index)
    }
    return try prediction.layers.map { rules in
      try prediction.model.flatMap(model.bind)
        + scopes.flatMap { scope in try rules.flatMap(scope.bind) }
    }
  }
}
