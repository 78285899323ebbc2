import Canonical
import Containers
import Layouts
import Tensors

/// Carried tensors, such as those of a vision tower, under the name by which all layouts know them.
extension OpenedModel {
  /// A carried tensor under its shared name and in the shared order; nil for one that is not shared.
  package func shared(_ stored: StoredTensor) -> (part: BoundPart, tensor: CanonicalTensor)? {
    guard let part = binding.shared(stored.name, shape: stored.shape)?.parts.first else {
      return nil
    }
    let scales = binding.carriedScales[stored.name].flatMap { checkpoint.scales($0, of: stored) }
    let tensor = CanonicalTensor(
      shape: part.shape, type: stored.type, region: stored.region, view: part.view,
      scales: scales, origin: stored.name)
    return (part, tensor)
  }

  /// The shared tensors, without those that are the scales of another.
  private var sharedTensors: [Role: CanonicalTensor] {
    let scales = Set(binding.carriedScales.values.map(\.name))
    let found = carried.filter { !scales.contains($0.name) }.compactMap { shared($0) }
    return Dictionary(
      found.map { ($0.part.role, $0.tensor) }, uniquingKeysWith: { first, _ in first })
  }

  /// The shared tensors of two models of different layouts; nothing where one has none, because it was
  /// left out as a whole.
  package func sharedTensors(with other: OpenedModel) -> (
    here: [Role: CanonicalTensor], there: [Role: CanonicalTensor]
  ) {
    guard layout.id != other.layout.id else { return ([:], [:]) }
    let (here, there) = (sharedTensors, other.sharedTensors)
    return here.isEmpty || there.isEmpty ? ([:], [:]) : (here, there)
  }

  /// The shared tensor of a role; nil where none is stored.
  package func shared(_ role: Role) -> CanonicalTensor? {
    binding.storedNames(ofShared: role).lazy.compactMap { checkpoint.tensor($0) }.first
      .flatMap { shared($0)?.tensor }
  }

  /// What the shared names of stored tensors begin with.
  /// - Parameter allowed: the kinds that may be left out, of which none counts.
  package func sharedPrefixes(leaving allowed: Set<StrayTensor>) -> Set<String> {
    let staying = carried.filter { tensor in
      let kind = StrayTensor(tensor.name, layers: .max) { checkpoint.tensor($0) != nil }
      return !allowed.contains(kind)
    }
    return Set(staying.compactMap { binding.carrier(of: $0.name)?.shared?.prefix })
  }
}
