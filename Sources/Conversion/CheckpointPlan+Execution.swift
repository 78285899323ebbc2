import Containers
import Diagnostics
import SystemPackage
import Tensors

/// What was written.
public struct CheckpointReport: Sendable {
  /// How many values a cast changed, by stored name.
  public fileprivate(set) var changedValues: [(name: String, count: Int)] = []
  /// How files that did not change were copied, by file name.
  public fileprivate(set) var clones: [(fileName: String, method: FileCloning.Method)] = []
  /// The bytes of tensors that were written anew.
  public fileprivate(set) var writtenBytes = 0
}

extension CheckpointPlan {
  /// Writes the output; it appears complete or not at all.
  /// - Parameters:
  ///   - inputs: what is read, which the output must not remove.
  ///   - check: looks at the finished output before it appears under its name.
  ///   - progress: called after every tensor with the bytes it had.
  /// - Throws: `Problem` of kind `exists` or `io`.
  /// - Cost: one pass over the tensors that change; memory for one buffer.
  public func execute(
    to destination: FilePath, overwrite: Bool, inputs: [FilePath],
    check: (FilePath) throws -> Void, progress: @escaping (Int) -> Void = { _ in }
  ) throws -> CheckpointReport {
    let output = try OutputDirectory(at: destination, overwrite: overwrite, inputs: inputs)
    defer { output.abort() }
    var report = CheckpointReport()
    for shard in shards { try write(shard, to: output, &report, progress) }
    if writesIndex {
      try OutputFile.write(Array(index.text.utf8), to: output.file(container.indexName))
    }
    if !container.hasMetadata {
      try OutputFile.write(config, to: output.file(StoredCheckpoint.configName))
    }
    for file in code { try OutputFile.write(file.bytes, to: output.file(file.name)) }
    for sidecar in sidecars {
      guard let name = sidecar.lastComponent else { continue }
      try FileCloning.copy(from: sidecar, to: output.file(name.string))
    }
    try inputs.forEach(Shortening.check)
    try check(output.path)
    try inputs.forEach(Shortening.check)
    try output.commit()
    return report
  }

  private func write(
    _ shard: Shard, to output: OutputDirectory, _ report: inout CheckpointReport,
    _ progress: @escaping (Int) -> Void
  ) throws {
    let path = output.file(shard.fileName)
    if let source = shard.clone {
      let method = try FileCloning.clone(from: source, to: path)
      report.clones.append((shard.fileName, method))
      return progress(shard.tensors.reduce(0) { $0 + $1.byteCount })
    }
    let changes = ChangeCounter()
    try container.write(
      shard.tensors.map { $0.toWrite(counting: changes, progress) }, metadata: shard.metadata,
      values: shard.values, to: path)
    report.changedValues += changes.counts
    report.writtenBytes += shard.tensors.reduce(0) { $0 + $1.byteCount }
  }
}

/// Collects how many values casts changed while a file is written.
private final class ChangeCounter {
  var counts: [(name: String, count: Int)] = []
}

extension CheckpointPlan.Tensor {
  fileprivate func toWrite(counting changes: ChangeCounter, _ progress: @escaping (Int) -> Void)
    -> TensorToWrite
  {
    TensorToWrite(name: name, type: type, shape: shape) { sink in
      switch content {
      case .stored(let tensor): try tensor.region.forEachWindow { try sink.write($0) }
      case .move(let move):
        let changed = try move.write(to: &sink)
        if changed > 0, rule != .new { changes.counts.append((name, changed)) }
      }
      progress(byteCount)
    }
  }
}
