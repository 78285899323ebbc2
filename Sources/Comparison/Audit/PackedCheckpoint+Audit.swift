import Layouts
import Opening

extension PackedCheckpoint {
  /// Faults that names, types and norms show together.
  func auditFindings() throws -> [AuditFinding] {
    let doubts = try signs().filter(\.isDoubt).map { sign in
      AuditFinding(
        severity: .error, kind: "sign", tensor: nil, file: checkpoint.directory.string,
        text: "\(sign.subject): \(sign.text)")
    }
    return unannounced + PackedWeights.unscaled(in: checkpoint.headers).map(unscaled) + doubts
  }

  /// Libraries trust the config: packed weights that it does not announce are loaded as if the codes were
  /// values.
  private var unannounced: [AuditFinding] {
    guard !packed.isAnnounced, !checkpoint.container.hasMetadata else { return [] }
    return [
      AuditFinding(
        severity: .error, kind: "claim", tensor: nil, file: checkpoint.configPath.string,
        text:
          "weights are quantised, as \(packed.evidence) tells, and no quantization_config says so")
    ]
  }

  private func unscaled(_ name: String) -> AuditFinding {
    let tensor = checkpoint.tensor(name)
    return AuditFinding(
      severity: .error, kind: "scale", tensor: name, file: tensor?.file ?? "",
      text: "\(tensor?.type.rawValue ?? "packed") values without scales, which mean nothing")
  }
}
