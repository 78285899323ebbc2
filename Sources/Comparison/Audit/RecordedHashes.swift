import Containers
import JSON
import Opening
import Tensors
import Threads

/// The hashes that a manifest records of the files beside it.
struct RecordedHashes {
  private let tensors: [(name: String, file: String, hash: String)]
  private let config: String?

  /// Reads the manifest of a checkpoint; nil where there is none.
  init?(_ checkpoint: StoredCheckpoint) {
    guard let document = Manifest(beside: checkpoint)?.document else { return nil }
    config = document["config_sha256"]?.string
    tensors = (document["tensors"]?.array ?? []).compactMap { entry in
      guard let name = entry["name"]?.string, let hash = entry["sha256"]?.string else { return nil }
      return (name, entry["file"]?.string ?? "", hash)
    }
  }

  /// Compares everything that is recorded with what is there.
  /// - Parameter progress: called by several threads with the bytes that were hashed.
  func compared(
    with checkpoint: StoredCheckpoint, _ pool: ThreadPool, progress: @Sendable (Int) -> Void
  ) throws -> (findings: [AuditFinding], hashed: Int) {
    let found = try checkpoint.hashes(pool, progress: progress)
    var findings = tensors.compactMap { name, file, hash -> AuditFinding? in
      guard found[name] != hash else { return nil }
      let text =
        found[name] == nil ? "a tensor of the manifest is not there" : "other bytes than recorded"
      return AuditFinding(severity: .error, kind: "hash", tensor: name, file: file, text: text)
    }
    let recorded = Set(tensors.map(\.name))
    findings += checkpoint.tensors.filter { !recorded.contains($0.name) }.map {
      AuditFinding(
        severity: .error, kind: "hash", tensor: $0.name, file: $0.file,
        text: "the manifest does not know the tensor")
    }
    if let config, let bytes = checkpoint.configBytes, TensorHash.text(bytes) != config {
      findings.append(
        AuditFinding(
          severity: .warning, kind: "hash", tensor: nil, file: StoredCheckpoint.configName,
          text: "not the config that was written with these weights"))
    }
    return (findings, checkpoint.tensors.count)
  }
}
