import Opening

extension OpenedModel {
  /// Decay rates of single layers that are stored in the other form, and those with which nothing is
  /// remembered.
  func decayFindings() throws -> [AuditFinding] {
    let forms = try DecayForms(canonical)
    let odd = forms.isMixed ? forms.misread : []
    let misread = Set(odd.map(\.origin))
    let text =
      forms.read == .log
      ? "values that look like -exp(A_log) here alone" : "values that look like A_log here alone"
    let lost = try canonical.tensors(of: DecayForms.roles)
      .filter { $0.isComputable && !misread.contains($0.origin) }.sorted { $0.origin < $1.origin }
      .filter { try ($0.floats().max() ?? 0) > Self.largestRate }
    return odd.map { finding($0.origin, text) }
      + lost.map { finding($0.origin, "A_log above \(Self.largestRate): nothing is remembered") }
  }

  private func finding(_ name: String, _ text: String) -> AuditFinding {
    AuditFinding(
      severity: .error, kind: "decay", tensor: name, file: checkpoint.tensor(name)?.file ?? "",
      text: text)
  }

  /// Trainers draw logarithms below 3; with this one the state is gone after a token whatever its step is.
  private static let largestRate: Float = 20
}
