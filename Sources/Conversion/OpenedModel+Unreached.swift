import Canonical
import Containers
import Layouts
import Tensors
import Threads

extension OpenedModel {
  /// The tensors that differ from those of another model and that a run of both need not show: of the
  /// embedding, of experts, and what is carried and never run.
  ///
  /// What one of both lacks as a whole, such as all of multi-token prediction, was left out and does not
  /// count. Experts do not count behind routers that differ, which may know them in another order.
  /// - Throws: `Problem` of kind `io` where bytes cannot be read.
  /// - Cost: one pass over these tensors of both; memory for two windows per thread.
  public func unreached(in other: OpenedModel, threads: Int) throws -> [Unreached] {
    let pairs = try sharedRoles(with: other) + predictions(with: other) + carriedPairs(with: other)
    return try ThreadPool(threads: threads).map(pairs) { pair -> Unreached? in
      guard let here = pair.here, let there = pair.there,
        TensorShape.withoutOuterOnes(here.shape) == TensorShape.withoutOuterOnes(there.shape)
      else {
        return Unreached(name: pair.name, layer: pair.layer)
      }
      let values = try ValueDifference(here, there)
      guard values.changed > 0 else { return nil }
      return Unreached(
        name: pair.name, layer: pair.layer, relative: values.relativeError, maxAbs: values.maxAbs)
    }.compactMap(\.self)
  }

  /// One tensor of both.
  private struct Pair: Sendable {
    let name: String
    let layer: Int?
    let here, there: CanonicalTensor?
  }

  private func sharedRoles(with other: OpenedModel) throws -> [Pair] {
    let experts = try canonical.tensors.filter { role, router in
      guard role.name == "moe.router", let same = other.canonical.tensors[role],
        router.shape == same.shape
      else { return false }
      return try ValueDifference(router, same).relativeError <= Self.sameRouter
    }
    let layers = Set(experts.keys.compactMap(\.layer))
    let isScaledAlike = configuration.embeddingScale == other.configuration.embeddingScale
    return canonical.tensors.filter { role, _ in
      role.name == "embedding"
        ? isScaledAlike
        : RoleShapes.scope(role.name) == .expert && role.layer.map(layers.contains) == true
    }.compactMap { role, tensor in
      other.canonical.tensors[role].map {
        Pair(name: role.description, layer: role.layer ?? 0, here: tensor, there: $0)
      }
    }.sorted { $0.name < $1.name }
  }

  /// What rounding to BF16 costs, with room.
  private static let sameRouter = 1e-4

  /// The tensors of multi-token prediction by role, for two layouts that both understand theirs.
  private func predictions(with other: OpenedModel) throws -> [Pair] {
    guard layout.id != other.layout.id else { return [] }
    let (here, there) = (try predictionModel(), try other.predictionModel())
    guard !here.isEmpty, !there.isEmpty else { return [] }
    return Set(here.keys).union(there.keys).sorted { $0.description < $1.description }.map { role in
      Pair(
        name: "\(role) of multi-token prediction", layer: nil, here: here[role], there: there[role])
    }
  }

  private func predictionModel() throws -> [Role: CanonicalTensor] {
    let tensors = try Self.tensors(predictionTensors().tensors, checkpoint)
    return CanonicalModel(configuration: configuration, tensors: tensors)
      .withNorms(zeroCentred: false).tensors
  }

  /// What two checkpoints of one layout carry, by name.
  private func carriedPairs(with other: OpenedModel) throws -> [Pair] {
    guard layout.id == other.layout.id else { return [] }
    return [true, false].flatMap { isPrediction in
      let (here, there) = (unrun(isPrediction), other.unrun(isPrediction))
      guard !here.isEmpty, !there.isEmpty else { return [Pair]() }
      return Set(here.keys).union(there.keys).sorted().map {
        Pair(name: $0, layer: nil, here: here[$0], there: there[$0])
      }
    }
  }

  /// The carried tensors of multi-token prediction, or the others, by name, scales not among them.
  private func unrun(_ isPrediction: Bool) -> [String: CanonicalTensor] {
    let scales = Set(binding.carriedScales.values.map(\.name))
    let tensors = carried.filter {
      binding.carrier(of: $0.name)?.same == nil && !scales.contains($0.name)
        && self.isPrediction($0) == isPrediction
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
