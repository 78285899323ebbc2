import Containers
import Opening

extension CheckpointRun {
  /// Writes what lies beside the weights; then the output can be opened.
  /// - Throws: `Problem` of kind `io`.
  func writeBeside() throws {
    try output.announce(plan.namesBeside)
    let planned = Set(plan.shards.map(\.fileName))
    for name in try output.names() where !planned.contains(name) {
      try output.remove(name)
    }
    if plan.writesIndex {
      try OutputFile.write(plan.indexBytes, to: output.file(plan.container.indexName))
    }
    if plan.writesConfig {
      try OutputFile.write(plan.config, to: output.file(StoredCheckpoint.configName))
    }
    for file in try plan.runFiles {
      try OutputFile.write(file.bytes, to: output.file(file.name))
    }
    for file in try plan.trackers { try OutputFile.write(file.bytes, to: output.beside(file.name)) }
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
      + sidecars.map(\.name) + ownNames
  }
}
