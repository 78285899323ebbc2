import Containers
import JSON
import Layouts

extension CheckpointPlan {
  /// The files with which Megatron begins; none in other containers.
  var runFiles: [MegatronSave.File] {
    get throws { container == .torchDist ? try MegatronSave.files(megatron) : [] }
  }

  /// What a layout of Megatron writes of the model, as options of a run; nil in other layouts and containers.
  func megatronOptions(in layout: Layout) throws -> MegatronOptions? {
    guard container == .torchDist, layout.isOfTrainer,
      let named = try JSONValue(parsing: config).object
    else { return nil }
    return MegatronOptions(named: named, type: Self.commonType(shards.flatMap(\.tensors)))
  }

  /// Whether the config is a file of its own, and neither in the weights nor among the options of a run.
  var writesConfig: Bool { !container.hasMetadata && megatron == nil }

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
