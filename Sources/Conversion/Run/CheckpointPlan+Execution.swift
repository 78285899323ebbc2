import Containers
import Diagnostics
import Opening
import SystemPackage
import Tensors

/// What was written.
public struct CheckpointReport: Sendable {
  /// How many values a cast changed, by stored name.
  public let changedValues: [(name: String, count: Int)]
  /// How files that did not change were copied, by file name.
  public let cloning: [String: FileCloning.Method]
  /// How the run began.
  public let beginning: CheckpointRun.Beginning

  /// The files that an interrupted run had finished.
  public var resumedFiles: Int { if case .resumed(let files) = beginning { files } else { 0 } }
}

extension CheckpointRun {
  /// What was written so far.
  public var report: CheckpointReport {
    CheckpointReport(
      changedValues: plan.shards.flatMap { shard in
        (written[shard.fileName]?.tensors ?? []).filter { $0.changed > 0 }.map {
          ($0.name, $0.changed)
        }
      },
      cloning: cloning, beginning: beginning)
  }

  /// Writes what lies beside the weights; then the output can be opened.
  /// - Throws: `Problem` of kind `io`.
  public func complete() throws {
    try output.announce(plan.namesBeside)
    let planned = Set(plan.shards.map(\.fileName))
    for name in try output.names() where !planned.contains(name) {
      try output.remove(name)
    }
    if plan.writesIndex {
      try OutputFile.write(Array(plan.index.text.utf8), to: output.file(plan.container.indexName))
    }
    if !plan.container.hasMetadata {
      try OutputFile.write(plan.config, to: output.file(StoredCheckpoint.configName))
    }
    for file in plan.code { try OutputFile.write(file.bytes, to: output.file(file.name)) }
    for file in plan.sidecars {
      if let changed = file.changed {
        try OutputFile.write(changed, to: output.file(file.name))
      } else {
        try FileCloning.copy(from: file.path, to: output.file(file.name))
      }
    }
  }
}

extension CheckpointPlan {
  /// The names of all files that are written or copied beside the weights.
  fileprivate var namesBeside: [String] {
    [container.indexName, StoredCheckpoint.configName, Manifest.fileName] + code.map(\.name)
      + sidecars.map(\.name)
  }

  /// Writes the output; it appears complete or not at all.
  /// - Throws: `Problem` of kind `exists` or `io`.
  /// - Cost: one pass over the tensors that change; memory for one buffer per thread.
  public func execute(to destination: FilePath, threads: Int = 0) throws {
    let output = try OutputDirectory(at: destination)
    defer { output.abort() }
    var run = CheckpointRun(self, into: output, threads: threads)
    try run.checkParts()
    output.own()
    try run.writeShards { _ in }
    try run.complete()
    try output.commit()
  }
}
