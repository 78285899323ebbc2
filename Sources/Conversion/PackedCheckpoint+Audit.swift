import Layouts

extension PackedCheckpoint {
  /// What names, types and norms say together.
  func auditFindings() throws -> [AuditFinding] {
    let doubts = try signs().filter(\.isDoubt).map { sign in
      AuditFinding(
        severity: .error, kind: "sign", tensor: nil, file: checkpoint.directory.string,
        text: "\(sign.subject): \(sign.text)")
    }
    return PackedWeights.unscaled(in: checkpoint.headers).map(unscaled) + doubts
  }

  private func unscaled(_ name: String) -> AuditFinding {
    let tensor = checkpoint.tensor(name)
    return AuditFinding(
      severity: .error, kind: "scale", tensor: name, file: tensor?.file ?? "",
      text: "\(tensor?.type.rawValue ?? "packed") values without scales, which mean nothing")
  }
}
