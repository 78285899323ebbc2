import Canonical
import Containers
import Diagnostics
import Layouts
import Opening
import Runtime
import SystemPackage
import Verification

extension OpenedModel {
  /// Opens a checkpoint named on the command line.
  init(
    _ path: String, _ options: SourceOptions, allowing: Set<StrayTensor> = [],
    in catalogue: LayoutCatalogue
  ) throws {
    try self.init(
      StoredCheckpoint.open(FilePath(path), iteration: options.iteration), options,
      allowing: allowing, in: catalogue)
  }

  /// Understands a checkpoint as the command line says.
  init(
    _ stored: StoredCheckpoint, _ options: SourceOptions, allowing: Set<StrayTensor> = [],
    in catalogue: LayoutCatalogue
  ) throws {
    try self.init(
      stored, from: options.from, assuming: options.assume.map(Assumption.init),
      allowing: allowing, catalogue: catalogue)
  }

  /// The model bound for computing; messages name the checkpoint.
  func runnable() throws -> Model {
    let directory = checkpoint.directory.string
    return try locating(.file(directory)) {
      try layout.requireUnderstood()
      try checkPayload()
      try configuration.checkMixers()
      return try Model(canonical)
    }
  }
}

extension StoredCheckpoint {
  /// The size of all tensors.
  /// - Units: bytes.
  var byteCount: Int { tensors.reduce(0) { $0 + $1.byteCount } }
}
