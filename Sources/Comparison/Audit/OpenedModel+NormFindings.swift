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

  private func levelFindings() throws -> [AuditFinding] {
    try levelDeviations().map { group, offset in
      AuditFinding(
        severity: .error, kind: "norm", tensor: group.tensors.first?.origin,
        file: checkpoint.weightsPath.string,
        text:
          "median \(group.values[group.values.count / 2]) of \(group.key.role) in all layers, "
          + "which looks as if 1 had been \(offset < 0 ? "taken off" : "added")")
    }
  }

  /// Norms that multiply by `weight`, and what was added to their weights, which lie around 1. Around 0,
  /// with both signs, they were stored for a norm that multiplies by `1 + weight`; around 2, in a model whose
  /// other norms multiply by `1 + weight`, 1 was added to them.
  func levelDeviations() throws -> [(group: NormGroup, offset: Int)] {
    let plain = Set(Self.norms + ["final_norm"]).subtracting(
      configuration.normIsZeroCentred ? CanonicalModel.centredNorms : [])
    return try NormGroup.all(.trunk, of: binding.tensors, roles: plain, in: checkpoint)
      .compactMap { group in
        if group.centre == 0, (group.values.first ?? 0) < 0 { return (group, -1) }
        return group.centre == 2 && configuration.normIsZeroCentred ? (group, 1) : nil
      }
  }

  private func layerFindings() throws -> [AuditFinding] {
    try layerDeviations().map { one in
      AuditFinding(
        severity: .error, kind: "norm", tensor: one.tensor,
        file: checkpoint.tensor(one.tensor)?.file ?? "",
        text: "median \(one.median) where other layers have \(one.least) to \(one.most), which "
          + "looks as if 1 had been \(one.offset > 0 ? "added" : "taken off") here alone")
    }
  }

  /// The norms that lie one above or below those of all other layers.
  func layerDeviations() throws -> [NormDeviation] {
    try Self.norms.flatMap { name in
      let tensors = canonical.tensors(of: [name]).filter(\.isComputable)
      let medians = try tensors.map { (origin: $0.origin, value: try $0.median()) }
      return medians.sorted { $0.origin < $1.origin }.compactMap { one in
        let others = medians.filter { $0.origin != one.origin }.map(\.value).sorted()
        return NormDeviation(one.origin, one.value, among: others)
      }
    }
  }
}

/// A norm of one layer that lies one above or below those of all other layers.
struct NormDeviation {
  /// The stored name.
  let tensor: String
  /// The value in the middle.
  let median: Float
  /// Between which numbers those of other layers lie.
  let least, most: Float
  /// What was added: 1, or -1 where it was taken off.
  let offset: Int

  /// Nil for a norm that is as others are, and where others differ among themselves.
  /// - Parameter others: the values in the middle of other layers' norms, sorted.
  fileprivate init?(_ name: String, _ median: Float, among others: [Float]) {
    guard others.count >= 2, let least = others.first, let most = others.last,
      most - least <= 0.5
    else { return nil }
    let gap = median - others[others.count / 2]
    guard abs(abs(gap) - 1) <= 0.25, median < least - 0.5 || median > most + 0.5 else { return nil }
    (tensor, self.median, self.least, self.most) = (name, median, least, most)
    offset = gap > 0 ? 1 : -1
  }
}

extension CanonicalTensor {
  fileprivate func median() throws -> Float {
    let values = try floats().sorted()
    return values.isEmpty ? 0 : values[values.count / 2]
  }
}
