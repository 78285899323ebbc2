import Containers
import Opening
import Packing
import Tensors
import Threads

/// What the parts of packed weights say about damage, beyond the values that they stand for.
extension OpenedModel {
  /// Scales that are no scales, and packed weights of which no config says that they are.
  func packedFindings(_ pool: ThreadPool) throws -> [AuditFinding] {
    guard let packing else { return [] }
    let scales = checkpoint.tensors.flatMap { $0.packed?.parts.dropFirst() ?? [] }
      .filter { Self.isScale($0.name) }.compactMap { packing.stored.tensor($0.name) }
    return unannounced(packing) + (try pool.map(scales, Self.findings).flatMap(\.self))
  }

  /// Libraries believe the config: what it does not announce they load as if it were plain.
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

  /// What one tensor of scales shows. A scale that is zero makes its group zero whatever its codes are;
  /// formats of one byte have no number between zero and one that is rather large.
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
