import Canonical
import Diagnostics
import JSON
import Tensors

extension Layout {
  /// Checks the laws of the tensors of a model that the layout holds: each is all of its parts and nothing
  /// else, values come back, every role has one place, and the layout recognises what it writes.
  /// - Throws: `Problem` of kind `invalid` with the place in the layout file.
  /// - Parameter takesApart: whether every element is followed, not only the shapes.
  func checkTensors(_ model: ModelConfiguration, takesApart: Bool) throws {
    var stored: [BoundTensor] = []
    for scope in scopes(model) {
      let owner = scope.layer.map { model.layers[$0] }
      var roles: Set<String> = []
      for (rule, place) in zip(tensors, tensorPlaces)
      where rule.isPerLayer == (scope.layer != nil) {
        try locating(.place(place)) {
          let bound = try scope.bind(rule)
          if takesApart { for tensor in bound.prefix(2) { try tensor.checkMoves() } }
          roles.formUnion(bound.flatMap(\.parts).map(\.role.name))
          stored += bound
        }
      }
      try locating(.place("tensors")) { try check(roles, of: owner, in: model, scope.layer) }
    }
    try locating(.place("tensors")) {
      try Problem.throwIfAny(LayoutBinding(self, model).doubleClaims())
    }
    try checkDetection(stored, writtenConfig(model))
  }

  /// Every role of the model or a layer is stored, and no other.
  private func check(
    _ roles: Set<String>, of owner: LayerConfiguration?, in model: ModelConfiguration, _ layer: Int?
  ) throws {
    let expected = model.roleNames(of: owner)
    let known = roles.filter { RoleTable[$0] != nil && !$0.hasPrefix("mtp.") }
    // What follows from facts need not be stored.
    if let missing = expected.subtracting(known).subtracting(RoleTable.names(.implied)).min() {
      throw Problem(
        .invalid, "no rule of the layout stores a tensor that its models have", layer: layer,
        expected: missing)
    }
    if let strange = known.subtracting(expected).min() {
      throw Problem(
        .invalid, "a rule of the layout stores a tensor that its models do not have", layer: layer,
        found: strange, remedy: "say with when which layers have it")
    }
  }

  private func checkDetection(_ stored: [BoundTensor], _ config: JSONValue) throws {
    guard form.isWritten, container == nil else { return }
    let names = Set(stored.flatMap(\.pieces))
    let (_, against) = detection.evidence(config: config, has: names.contains)
    guard let clause = against.first else { return }
    throw Problem(
      .invalid, "the layout does not recognise what it writes",
      expected: "all that detect asks for",
      found: clause
    ).located(.place("detect"))
  }
}

extension RuleScope {
  /// A division with a remainder that a rule needs here; nil for none.
  func remainder(_ rule: TensorRule) -> Problem? {
    guard rule.condition.holds(facts) else { return nil }
    var symbols = symbols
    for (symbol, size) in dimensions { symbols[symbol] = try? size.value(symbols) }
    for size in rule.sizes + dimensions.map(\.size) {
      guard size.hasRemainder(symbols) else { continue }
      do { _ = try size.value(symbols) } catch { return error.asProblems[0] }
    }
    return nil
  }
}

extension BoundTensor {
  /// The most elements that the check takes apart.
  private static let checkedCount = 1 << 20

  /// Writes numbered elements and reads them again: each comes back, and each place is filled once.
  fileprivate func checkMoves() throws {
    guard let count = TensorShape.elementCount(shape), count <= Self.checkedCount else { return }
    var places = Array(repeating: false, count: count)
    for part in parts {
      for position in part.view.positions {
        guard places.indices.contains(position), !places[position] else {
          throw misfit("every element of \(part.role) in a place of its own")
        }
        places[position] = true
      }
      try part.checkValues()
    }
    guard places.allSatisfy(\.self) else { throw misfit("parts that fill the tensor") }
  }

  private func misfit(_ expected: String) -> Problem {
    Problem(
      .invalid, "a rule of the layout is no bijection", tensor: name, expected: expected,
      found: TensorShape.text(shape))
  }
}

extension BoundPart {
  /// Values that come up in weights, which every step of values must bring back.
  private static let values: [Float] = [0.25, -0.5, 1, 0.75]

  fileprivate func checkValues() throws {
    for value in Self.values {
      let stored = steps.reduce(value) { $1.apply($0) }
      let read = steps.reversed().reduce(stored) { $1.undo($0) }
      guard abs(read - value) <= 0x1p-18 else {
        throw Problem(
          .invalid, "a step of the layout loses values", expected: "\(role) \(value)",
          found: "\(read)")
      }
    }
  }
}
