import Canonical
import Containers
import JSON
import Layouts
import Tensors

extension StoredCheckpoint {
  /// The types and shapes of all tensors by name.
  var headers: StoredHeaders {
    Dictionary(
      tensors.map { ($0.name, (type: $0.type, shape: $0.shape)) },
      uniquingKeysWith: { first, _ in first })
  }

  /// The scales of a stored tensor; nil where they are not stored.
  func scales(_ bound: BoundScales, of tensor: StoredTensor) -> BlockScales? {
    self.tensor(bound.name).map { stored in
      BlockScales(
        region: stored.region, type: stored.type, size: bound.size, isPerTensor: bound.isPerTensor,
        shape: tensor.shape, origin: stored.name)
    }
  }
}

extension OpenedModel {
  /// A config with what it says of quantised weights brought up to date; unchanged where the model has
  /// none or the same tensors stay quantised.
  /// - Parameters:
  ///   - binding: the stored tensors the config is for.
  ///   - quantised: the names of those with scales.
  func config(_ config: JSONValue, of binding: LayoutBinding, quantised: Set<String>) -> JSONValue {
    guard let quantisation, let rule = layout.scales else { return config }
    let before = Set(self.binding.tensors.filter { $0.scales != nil }.map(\.name))
      .union(self.binding.carriedScales.keys)
    let names = Set(binding.tensors.map(\.name))
    if before == quantised, names == Set(self.binding.tensors.map(\.name)) { return config }
    let modules = binding.exceptions(of: quantisation, in: self.binding, quantised: quantised)
    return rule.config(
      config, in: binding.layout, quantisedExcept: quantised.isEmpty ? nil : modules)
  }

  /// A carried tensor with its scales, as a tensor to compute with; nil for one without.
  func scaledCarried(_ stored: StoredTensor) -> CanonicalTensor? {
    guard let bound = binding.carriedScales[stored.name],
      let scales = checkpoint.scales(bound, of: stored)
    else { return nil }
    return CanonicalTensor(
      shape: stored.shape, type: stored.type, region: stored.region,
      view: StridedView(contiguous: stored.shape), scales: scales, origin: stored.name)
  }
}
