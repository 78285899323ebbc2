import Canonical
import Containers
import Layouts
import Opening
import Tensors
import Threads

extension OpenedModel {
  /// The tensors whose values differ between two models: those of layers, of embedding, head and final norm,
  /// of experts, and those that are carried and never run.
  ///
  /// Groups of tensors that only one model has, such as all of multi-token prediction, are ignored: they
  /// were left out when the other was made. Experts are matched by their rows of the router, because models
  /// may number them differently; where the rows differ, experts are not compared. Tensors whose shapes
  /// differ are not compared either: running both models shows what that changes.
  /// - Parameter byLevels: whether the values of this model count over the spacing of the levels to which
  ///   they are quantised, too.
  /// - Throws: `Problem` of kind `io` where bytes cannot be read.
  /// - Cost: one pass over both; memory for two windows per thread.
  public func valueChanges(
    in other: OpenedModel, byLevels: Bool = false, threads: Int
  ) throws -> ValueChanges {
    let (here, there) = (
      canonical.withNorms(zeroCentred: false), other.canonical.withNorms(zeroCentred: false)
    )
    let isCentred =
      configuration.normIsZeroCentred || other.configuration.normIsZeroCentred
    let pool = ThreadPool(threads: threads)
    let layers = try pool.map(RolePair.ofLayers(here, there)) { pair -> TensorChange? in
      let values = try ValueDifference(
        pair.here, pair.there, floor: pair.role.roundingFloor(zeroCentred: isCentred),
        byLevels: byLevels)
      return values.changed == 0 ? nil : TensorChange(role: pair.role, gap: values.gap)
    }.compactMap(\.self)
    let pairs =
      try NamedPair.around(here, there) + NamedPair.ofExperts(here, there, pool)
      + predictions(with: other) + carriedPairs(with: other) + sharedPairs(with: other)
    let others = try pool.map(pairs) {
      try $0.difference(isCentred: isCentred, byLevels: byLevels)
    }
    .compactMap(\.self)
    return ValueChanges(
      here: canonical, there: other.canonical,
      layers: Dictionary(grouping: layers) { $0.role.layer ?? 0 }, others: others)
  }

  /// The tensors of multi-token prediction by role, for two layouts, or two forms of one, that both
  /// understand theirs.
  private func predictions(with other: OpenedModel) throws -> [NamedPair] {
    guard !storesPrediction(like: other) else { return [] }
    let (here, there) = (try predictionModel(), try other.predictionModel())
    guard !here.isEmpty, !there.isEmpty else { return [] }
    return Set(here.keys).union(there.keys).sorted { $0.description < $1.description }.map { role in
      NamedPair(
        name: "\(role) of multi-token prediction", role: role, here: here[role],
        there: there[role])
    }
  }

  /// Whether tensors of multi-token prediction are compared by name: both have those of one layout, in one
  /// form or in one that is not understood.
  private func storesPrediction(like other: OpenedModel) -> Bool {
    guard layout.id == other.layout.id else { return false }
    let names = [self, other].map { model in
      Set(model.carried.lazy.filter(model.isPrediction).map(\.name))
    }
    let isUnderstood = [self, other].allSatisfy { model in
      (try? model.predictionTensors())?.tensors.isEmpty == false
    }
    return names[0] == names[1] || !isUnderstood
  }

  private func predictionModel() throws -> [Role: CanonicalTensor] {
    let tensors = try Self.tensors(predictionTensors().tensors, checkpoint)
    return CanonicalModel(configuration: configuration, tensors: tensors)
      .withNorms(zeroCentred: false).tensors
  }

  /// The carried tensors by name. Between two layouts only the heads of classifiers and reward models,
  /// because only their names are the same in all layouts.
  private func carriedPairs(with other: OpenedModel) throws -> [NamedPair] {
    let isSame = layout.id == other.layout.id
    let roles = isSame ? try predictionRoles() : [:]
    let isByName = storesPrediction(like: other)
    let named = Companion.allCases.filter { $0 != .prediction || isByName }
    return (isSame ? named : [.head]).flatMap { companion in
      let (here, there) = (unrun(companion), other.unrun(companion))
      guard !here.isEmpty, !there.isEmpty else { return [NamedPair]() }
      return Set(here.keys).union(there.keys).sorted().map {
        NamedPair(name: $0, role: roles[$0], here: here[$0], there: there[$0])
      }
    }
  }

  /// The roles of the stored tensors of multi-token prediction, by name; only of tensors that hold one
  /// role.
  private func predictionRoles() throws -> [String: Role] {
    let whole = try predictionTensors().tensors.filter { $0.parts.count == 1 }
    return Dictionary(
      whole.map { ($0.name, $0.parts[0].role) }, uniquingKeysWith: { first, _ in first })
  }

  /// What carried tensors belong to.
  private enum Companion: CaseIterable {
    case prediction, head, others
  }

  private func companion(of tensor: StoredTensor) -> Companion {
    if isPrediction(tensor) { return .prediction }
    return binding.carrier(of: tensor.name)?.isHead == true ? .head : .others
  }

  /// The carried tensors of one kind by name, without scales and tensors that no reader uses.
  private func unrun(_ companion: Companion) -> [String: CanonicalTensor] {
    let others = silent.union(binding.carriedScales.values.map(\.name))
    let tensors = carried.filter {
      binding.carrier(of: $0.name)?.same == nil && !others.contains($0.name)
        && self.companion(of: $0) == companion
    }
    return Dictionary(
      tensors.map { ($0.name, scaledCarried($0) ?? CanonicalTensor(whole: $0)) },
      uniquingKeysWith: { first, _ in first })
  }
}

extension CanonicalTensor {
  /// A stored tensor as it is.
  init(whole tensor: StoredTensor) {
    self.init(
      shape: tensor.shape, type: tensor.type, region: tensor.region,
      view: StridedView(contiguous: tensor.shape), origin: tensor.name)
  }
}
