import Containers

extension CheckpointPlan {
  /// The files with which Megatron begins; none in other containers.
  var runFiles: [MegatronSave.File] {
    get throws { container == .torchDist ? try MegatronSave.files(nil) : [] }
  }

  /// The files that tell Megatron which iteration is the newest.
  var trackers: [MegatronSave.File] {
    get throws { container == .torchDist ? try MegatronSave.trackers() : [] }
  }

  /// The names of files that the container writes itself.
  var ownNames: Set<String> { Self.ownNames(of: container) }

  /// The names of files that a container writes itself.
  static func ownNames(of container: Container) -> Set<String> {
    container == .torchDist ? MegatronSave.names : []
  }
}
