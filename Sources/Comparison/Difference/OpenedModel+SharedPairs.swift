import Canonical
import Opening

extension OpenedModel {
  /// The shared tensors of two models of different layouts, in pairs.
  func sharedPairs(with other: OpenedModel) -> [NamedPair] {
    let (here, there) = sharedTensors(with: other)
    return Set(here.keys).union(there.keys).sorted { $0.name < $1.name }.map {
      NamedPair(name: $0.name, role: $0, here: here[$0], there: there[$0])
    }
  }
}
