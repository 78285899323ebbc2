import Canonical
import Tensors
import Threads

/// One role of a layer in two models.
struct RolePair: Sendable {
  let role: Role
  let here, there: CanonicalTensor

  /// The tensors of layers that both have in one shape.
  static func ofLayers(_ here: CanonicalModel, _ there: CanonicalModel) -> [RolePair] {
    here.tensors.compactMap { role, tensor in
      guard RoleTable.scope(role.name) == .layer, let other = there.tensors[role],
        other.shape == tensor.shape
      else { return nil }
      return RolePair(role: role, here: tensor, there: other)
    }.sorted { $0.role.description < $1.role.description }
  }
}

/// One tensor of two models, under the name that a report gives it.
struct NamedPair: Sendable {
  let name: String
  var layer: Int?
  var role: Role?
  let here, there: CanonicalTensor?

  /// How far both are apart; nil where their values are the same.
  /// - Parameters:
  ///   - isCentred: whether one of the models stores norms around zero.
  ///   - byLevels: whether differences count over the spacing of quantised levels, too.
  func difference(isCentred: Bool, byLevels: Bool) throws -> Unreached? {
    guard let here, let there,
      TensorShape.withoutOuterOnes(here.shape) == TensorShape.withoutOuterOnes(there.shape)
    else {
      return Unreached(name: name, layer: layer)
    }
    let floor = role?.roundingFloor(zeroCentred: isCentred) ?? 0
    let values = try ValueDifference(here, there, floor: floor, byLevels: byLevels)
    return values.changed == 0 ? nil : Unreached(name: name, layer: layer, gap: values.gap)
  }

  /// Embedding, final norm and head, where both models scale them alike. The embedding stands for a head
  /// that is not stored; of vocabularies of different size the tokens that both have are compared.
  static func around(_ here: CanonicalModel, _ there: CanonicalModel) -> [NamedPair] {
    let (mine, theirs) = (here.configuration, there.configuration)
    var roles: [(name: String, layer: Int?)] = []
    if mine.embeddingScale == theirs.embeddingScale {
      roles = [("embedding", 0), ("positions", 0)]
    }
    if mine.logitsDivisor == theirs.logitsDivisor {
      roles += [("final_norm", nil), ("final_norm.bias", nil)]
      roles += ["norm", "down", "up"].map { ("final_hyper.\($0)", nil) }
      if [mine.head, theirs.head].contains(.own) { roles.append(("head", nil)) }
    }
    return roles.compactMap { name, layer in
      guard let a = here.stored(name), let b = there.stored(name) else { return nil }
      let rows = min(a.shape[0], b.shape[0])
      return NamedPair(
        name: name, layer: layer, role: Role(name), here: a.tokens(rows, of: name),
        there: b.tokens(rows, of: name))
    }
  }

  /// The experts of layers whose routers have the same rows, in any order.
  static func ofExperts(_ here: CanonicalModel, _ there: CanonicalModel, _ pool: ThreadPool) throws
    -> [NamedPair]
  {
    let routers = here.tensors.filter { $0.key.name == "moe.router" }.sorted {
      ($0.key.layer ?? 0) < ($1.key.layer ?? 0)
    }
    let orders = try pool.map(routers) { role, router in
      try there.tensors[role].flatMap { try ExpertOrder(router, $0) }
    }
    let byLayer = Dictionary(
      zip(routers.map { $0.key.layer }, orders), uniquingKeysWith: { first, _ in first })
    return here.tensors.compactMap { role, tensor -> NamedPair? in
      guard RoleTable.scope(role.name) == .expert, let expert = role.expert,
        let order = byLayer[role.layer] ?? nil,
        let other = there.tensors[Role(role.name, layer: role.layer, expert: order[expert])]
      else { return nil }
      return NamedPair(
        name: role.description, layer: role.layer ?? 0, role: role, here: tensor, there: other)
    }.sorted { $0.name < $1.name }
  }
}

extension CanonicalTensor {
  /// The rows of the first tokens; the whole tensor where its rows are not those of tokens.
  fileprivate func tokens(_ count: Int, of role: String) -> CanonicalTensor {
    RoleTable.hasRowPerToken(role) && shape[0] != count ? rows(count) ?? self : self
  }
}

extension CanonicalModel {
  fileprivate func stored(_ name: String) -> CanonicalTensor? {
    let isEmbedding = name == "head" && configuration.head == .tied
    return tensors[Role(isEmbedding ? "embedding" : name)]
  }
}
