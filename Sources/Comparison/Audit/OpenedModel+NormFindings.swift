import Canonical
import Opening

extension OpenedModel {
  /// The roles whose norms can be stored with 1 added, so that one layer may have it added and the others
  /// not.
  private static let norms: [String] = RoleTable.all.filter {
    $0.scope == .layer && $0.traits.contains(.norm) && !$0.isOfSplices
  }.map(\.name)

  /// Norm weights of one layer that lie one above or below those of all other layers.
  ///
  /// Training moves norms of neighbouring layers together; a layer in which 1 was added by mistake, or left
  /// out, therefore differs from its neighbours by 1.
  func normFindings() throws -> [AuditFinding] {
    try levelFindings() + layerFindings()
  }

  /// Weights of norms that multiply by `weight` lie around 1. Around 0, with both signs, they were stored
  /// for a norm that multiplies by `1 + weight`; around 2, in a model whose other norms multiply by `1 +
  /// weight`, 1 was added to them.
  private func levelFindings() throws -> [AuditFinding] {
    let plain = Set(Self.norms + ["final_norm"]).subtracting(
      configuration.normIsZeroCentred ? CanonicalModel.centredNorms : [])
    return try NormGroup.all(.trunk, of: binding.tensors, roles: plain, in: checkpoint)
      .compactMap { group in
        let isBelow = group.centre == 0 && (group.values.first ?? 0) < 0
        guard isBelow || (group.centre == 2 && configuration.normIsZeroCentred) else { return nil }
        return AuditFinding(
          severity: .error, kind: "norm", tensor: group.tensors.first?.origin,
          file: checkpoint.weightsPath.string,
          text:
            "median \(group.values[group.values.count / 2]) of \(group.key.role) in all layers, "
            + "which looks as if 1 had been \(isBelow ? "taken off" : "added")")
      }
  }

  private func layerFindings() throws -> [AuditFinding] {
    try Self.norms.flatMap { name in
      let tensors = canonical.tensors(of: [name]).filter(\.isComputable)
      let medians = try tensors.map { (origin: $0.origin, value: try $0.median()) }
      return medians.sorted { $0.origin < $1.origin }.compactMap { one in
        let others = medians.filter { $0.origin != one.origin }.map(\.value).sorted()
        return finding(one.origin, one.value, among: others)
      }
    }
  }

  private func finding(_ name: String, _ median: Float, among others: [Float]) -> AuditFinding? {
    guard others.count >= 2, let least = others.first, let most = others.last,
      most - least <= 0.5
    else { return nil }
    let gap = median - others[others.count / 2]
    guard abs(abs(gap) - 1) <= 0.25, median < least - 0.5 || median > most + 0.5 else { return nil }
    return AuditFinding(
      severity: .error, kind: "norm", tensor: name, file: checkpoint.tensor(name)?.file ?? "",
      text: "median \(median) where other layers have \(least) to \(most), which looks as if 1 had "
        + "been \(gap > 0 ? "added" : "taken off") here alone")
  }
}

extension CanonicalTensor {
  fileprivate func median() throws -> Float {
    let values = try floats().sorted()
    return values.isEmpty ? 0 : values[values.count / 2]
  }
}
