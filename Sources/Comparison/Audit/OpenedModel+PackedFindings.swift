import Containers
import Layouts
import Opening
import Tensors
import Threads

/// Faults in the scales of packed weights, and in what the config says of packed weights.
extension OpenedModel {
  /// Scales that are no scales, codes that were lost, and packed weights of which no config says that they
  /// are.
  func packedFindings(_ pool: ThreadPool) throws -> [AuditFinding] {
    let scales = binding.allScales.compactMap { checkpoint.tensor($0.name) }
    let zeros = try pool.map(scales, Self.zeroFinding).compactMap(\.self)
    guard let packing else { return zeros }
    let filled = namesWithoutPadding
    let weights = checkpoint.tensors.filter { $0.packed != nil }
    let audits = try pool.map(weights) { weight in
      try PackedAudit(weight, in: packing.stored, mayBePadded: !filled.contains(weight.name))
    }
    return unannounced(packing) + zeros + audits.flatMap { $0?.findings ?? [] }
  }

  /// Libraries trust the config: packed weights that it does not announce are loaded as if the codes were
  /// values.
  private func unannounced(_ packing: PackedStorage) -> [AuditFinding] {
    guard !packing.isAnnounced else { return [] }
    return [
      AuditFinding(
        severity: .error, kind: "claim", tensor: nil, file: checkpoint.configPath.string,
        text: "weights are quantised, as \(packing.evidence) tells, "
          + "and no quantization_config says so")
    ]
  }

  /// A scale of FP8 is zero nowhere: no tool that makes them divides by zero. NaN and infinity are told of
  /// as those of any tensor.
  private static func zeroFinding(_ tensor: StoredTensor) throws -> AuditFinding? {
    guard let statistics = try TensorStatistics(tensor) else { return nil }
    let zeros = statistics.zeros + statistics.trailingZeros
    guard zeros > 0 else { return nil }
    return AuditFinding(
      severity: .error, kind: "scale", tensor: tensor.name, file: tensor.file,
      text: "\(zeros) of \(statistics.count) scales are zero")
  }
}
