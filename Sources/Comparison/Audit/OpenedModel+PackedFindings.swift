import Containers
import Opening
import Packing
import Tensors
import Threads

/// Faults in the scales of packed weights, and in what the config says of packed weights.
extension OpenedModel {
  /// Scales that are zero or not finite, and packed weights that the config does not announce.
  func packedFindings(_ pool: ThreadPool) throws -> [AuditFinding] {
    guard let packing else { return [] }
    let scales = checkpoint.tensors.flatMap { $0.packed?.parts.dropFirst() ?? [] }
      .filter { Self.isScale($0.name) }.compactMap { packing.stored.tensor($0.name) }
    return unannounced(packing) + (try pool.map(scales, Self.findings).flatMap(\.self))
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

  private static func isScale(_ name: String) -> Bool {
    let last = name.split(separator: ".").last ?? ""
    return last.contains("scale") || last == "SCB" || last.hasSuffix("absmax")
  }

  /// What one tensor of scales shows. A zero scale makes its whole group zero. In one-byte types that can
  /// be legitimate rounding, because their smallest number above zero is rather large.
  private static func findings(_ tensor: StoredTensor) throws -> [AuditFinding] {
    guard let statistics = try TensorStatistics(tensor) else { return [] }
    let zeros = statistics.zeros + statistics.trailingZeros
    let mayBeZero = tensor.type.isScaled || !tensor.name.contains("scale")
    func finding(_ count: Int, _ severity: AuditFinding.Severity, _ text: String)
      -> AuditFinding?
    {
      guard count > 0 else { return nil }
      return AuditFinding(
        severity: severity, kind: "scale", tensor: tensor.name, file: tensor.file,
        text: "\(count) of \(statistics.count) scales are \(text)")
    }
    return [
      finding(statistics.nans, .error, "NaN"),
      finding(statistics.infinities, .error, "infinite"),
      finding(zeros, mayBeZero ? .warning : .error, "zero"),
    ].compactMap(\.self)
  }
}
