import Canonical
import Tensors

extension LayoutBinding {
  /// The same stored tensors, read as the user says.
  /// - Parameter offsets: what was added to norms of the trunk.
  /// - Throws: `Problem` of kind `invalid` where a tensor does not have the heads to be reordered.
  public func assuming(
    _ assumptions: [Assumption], offsets: [NormKey: Int] = [:], _ configuration: ModelConfiguration
  ) throws -> LayoutBinding {
    var shifted = self
    shifted.tensors = tensors.map { $0.shifted(by: offsets, in: .trunk) }
    return try assumptions.reduce(shifted) { binding, assumption in
      switch assumption {
      case .normOffset, .halves, .indexBlock, .lostFact: binding
      case .decay(let form):
        binding.replacingSteps(
          of: RoleTable.names(showing: .decay), with: form == .negexp ? [.negexp] : [])
      case .valueHeads(let order):
        try binding.reordered(to: order, configuration)
      }
    }
  }

  private func replacingSteps(of roles: Set<String>, with steps: [ValueStep]) -> LayoutBinding {
    var binding = self
    binding.tensors = tensors.map { tensor in
      guard tensor.parts.contains(where: { roles.contains($0.role.name) }) else { return tensor }
      return tensor.with(
        parts: tensor.parts.map { part in
          var part = part
          if roles.contains(part.role.name) { part.steps = steps }
          return part
        })
    }
    return binding
  }

  private func reordered(to order: Assumption.HeadOrder, _ configuration: ModelConfiguration) throws
    -> LayoutBinding
  {
    guard let own = valueHeadOrder(configuration), own != order else { return self }
    return try LayoutBinding(layout, configuration, valueHeads: order)
  }

  /// How the layout orders value heads; nil where the order makes no difference in any layer.
  public func valueHeadOrder(_ configuration: ModelConfiguration) -> Assumption.HeadOrder? {
    guard let layer = configuration.layers.firstIndex(where: \.mixer.ordersHeads) else {
      return nil
    }
    let roles = RoleTable.names(showing: .valueHeads)
    let part = tensors.lazy.flatMap(\.parts).first {
      $0.role.layer == layer && roles.contains($0.role.name)
    }
    return part.map { $0.view.simplified.axes.count == 1 ? .grouped : .tiled }
  }

  /// The place of a role in its stored tensor.
  func part(_ role: Role) -> BoundPart? {
    tensors.lazy.flatMap(\.parts).first { $0.role == role }
  }
}

extension BoundTensor {
  /// The same tensor with other constants added to its norms.
  public func shifted(by offsets: [NormKey: Int], in part: NormPart) -> BoundTensor {
    guard parts.contains(where: { offsets[NormKey(part, $0.role.name)] != nil }) else {
      return self
    }
    return with(
      parts: parts.map { bound in
        guard let offset = offsets[NormKey(part, bound.role.name)] else { return bound }
        var bound = bound
        bound.steps = offset == 0 ? [] : [.shift(Float(offset))]
        return bound
      })
  }
}

extension Assumption.Halves {
  /// The steps that exchange the halves of a part, before those of its layout.
  func steps(of role: String) -> [LayoutStep] {
    self == .exchanged && role == "mtp.fc" ? [.take(axis: 1, table: [1, 0])] : []
  }
}

extension Assumption.HeadOrder {
  /// The steps that bring the value heads of a part into this order; they precede the steps of the layout,
  /// which bring them into the other order.
  func steps(of role: String) -> [LayoutStep] {
    guard let heads = RoleTable[role]?.heads else { return [] }
    let order =
      switch self {
      case .tiled: [heads.groups, heads.perGroup]
      case .grouped: [heads.perGroup, heads.groups]
      }
    return [
      .reorder(
        axis: heads.axis, factors: order + heads.width,
        order: [1, 0] + heads.width.indices.map { $0 + 2 })
    ]
  }
}
