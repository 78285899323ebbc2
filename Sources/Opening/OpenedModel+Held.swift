import Canonical
import Containers
import JSON

extension OpenedModel {
  /// The model with the values of another one of the same configuration.
  /// - Parameters:
  ///   - other: the other model in canonical form.
  ///   - carried: carried tensors to put in the place of those of the same name.
  ///   - left: carried tensors to leave out.
  ///   - config: what else the config has to say.
  package func holding(
    _ other: CanonicalModel, carried: [String: StoredTensor], without left: Set<String>,
    config: (JSONValue) -> JSONValue
  ) throws -> OpenedModel {
    var copy = self
    copy.checkpoint = try checkpoint.replacing { tensor in
      left.contains(tensor.name) ? nil : carried[tensor.name] ?? tensor
    }.withConfig(config)
    for role in canonical.tensors.keys {
      copy.canonical.tensors[role] = other.tensors[role]
      copy.canonical.tensors[role]?.isForeign = true
    }
    copy.foreignNames = Set(carried.keys)
    return copy
  }
}
