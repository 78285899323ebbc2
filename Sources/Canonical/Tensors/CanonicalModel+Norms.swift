extension ModelConfiguration {
  /// Whether the tensors of a role are norms stored around zero.
  public func isCentred(_ role: Role) -> Bool {
    normIsZeroCentred && CanonicalModel.centredNorms.contains(role.name)
  }
}

extension CanonicalModel {
  /// The roles of norms that a model may store around zero.
  public static let centredNorms = RoleTable.names(.centred)

  /// The same model with its norm weights stored around zero, or not.
  public func withNorms(zeroCentred: Bool) -> CanonicalModel {
    guard configuration.normIsZeroCentred != zeroCentred else { return self }
    var model = self
    model.configuration.normIsZeroCentred = zeroCentred
    let shift = ValueStep.shift(zeroCentred ? 1 : -1)
    for (role, tensor) in tensors where Self.centredNorms.contains(role.name) {
      var shifted = CanonicalTensor(
        shape: tensor.shape, type: tensor.type, region: tensor.region, view: tensor.view,
        steps: [shift] + tensor.steps, scales: tensor.scales, origin: tensor.origin)
      shifted.hasFixedType = tensor.hasFixedType
      model.tensors[role] = shifted
    }
    return model
  }
}
