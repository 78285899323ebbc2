import Canonical
import Containers
import Layouts

extension OpenedModel {
  /// The model with other bytes in the place of some stored tensors, whose names and shapes stay.
  /// - Parameters:
  ///   - tensors: the tensors to put in the place of those of the same name, without scales.
  ///   - record: what they come from.
  package func changing(_ tensors: [String: StoredTensor], _ record: AdapterRecord) throws
    -> OpenedModel
  {
    var copy = self
    copy.unchanged = unchanged ?? stored
    copy.adapters.append(record)
    copy.checkpoint = try checkpoint.replacing { tensors[$0.name] ?? $0 }
    copy.binding.dropScales(of: Set(tensors.keys))
    copy.canonical.tensors = try Self.tensors(copy.binding.tensors, copy.checkpoint)
    let merged = copy.changedNames
    for (role, tensor) in copy.canonical.tensors where merged.contains(tensor.origin) {
      copy.canonical.tensors[role]?.isMerged = true
    }
    return copy
  }

  /// The names of the tensors that adapters changed.
  package var changedNames: Set<String> { Set(adapters.flatMap(\.tensors)) }
}
