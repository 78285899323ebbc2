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
      case .normOffset: binding
      case .decay(let form):
        binding.replacingSteps(of: ["gdn.A_log"], with: form == .negexp ? [.negexp] : [])
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
    let layer = configuration.layers.firstIndex {
      if case .gatedDeltaNet(let gdn) = $0.mixer {
        gdn.keyHeads > 1 && gdn.valueHeads > gdn.keyHeads
      } else {
        false
      }
    }
    guard let layer, let view = part(Role("gdn.A_log", layer: layer))?.view else { return nil }
    return view.simplified.axes.count == 1 ? .grouped : .tiled
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

extension Assumption.HeadOrder {
  /// The steps that put the value heads of a part into this order, before those of its layout, which
  /// puts them into the other one.
  func steps(of role: String) throws -> [LayoutStep] {
    guard let axis = Self.axes[role] else { return [] }
    let heads: [SizeExpression] =
      switch self {
      case .tiled: [try SizeExpression("nk"), try SizeExpression("r")]
      case .grouped: [try SizeExpression("r"), try SizeExpression("nk")]
      }
    let isWide = Self.wide.contains(role)
    return [
      .reorder(
        axis: axis, factors: heads + (isWide ? [try SizeExpression("dv")] : []),
        order: isWide ? [1, 0, 2] : [1, 0])
    ]
  }

  /// The axis of value heads of every role that has one.
  private static let axes = [
    "gdn.v": 0, "gdn.z": 0, "gdn.b": 0, "gdn.a": 0, "gdn.conv.v": 0, "gdn.A_log": 0,
    "gdn.dt_bias": 0, "gdn.o": 1,
  ]
  /// The roles with dv elements per head on that axis.
  private static let wide: Set<String> = ["gdn.v", "gdn.z", "gdn.conv.v", "gdn.o"]
}
