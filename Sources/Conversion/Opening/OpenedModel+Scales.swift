import Canonical
import Containers
import JSON
import Layouts
import Tensors

extension StoredCheckpoint {
  /// The same with the shapes that a layout asks for where they differ in outer extents of 1 alone,
  /// which GGUF does not keep.
  func shaped(like tensors: [BoundTensor]) -> StoredHeaders {
    var headers = headers
    guard container == .gguf else { return headers }
    for tensor in tensors {
      guard let shape = headers[tensor.name]?.shape,
        TensorShape.withoutOuterOnes(shape) == TensorShape.withoutOuterOnes(tensor.shape)
      else { continue }
      headers[tensor.name]?.shape = tensor.shape
    }
    return headers
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
  /// A config with what it says of quantised weights brought up to date; unchanged where that is true.
  /// - Parameters:
  ///   - binding: the stored tensors the config is for.
  ///   - quantised: the names of those with scales.
  func config(_ config: JSONValue, of binding: LayoutBinding, quantised: Set<String>) -> JSONValue {
    guard let rule = layout.scales ?? binding.layout.scales else { return config }
    guard let quantisation, !quantised.isEmpty else {
      return rule.config(config, in: binding.layout, quantisedExcept: nil)
    }
    let names = [self.binding, binding].map { Set($0.tensors.map(\.name)) }
    if names[0] == names[1], quantised == Set(self.binding.allScaled) { return config }
    let claimed = try? binding.layout.quantisation(from: config)
    if let claimed, claimed.exceptions != quantisation.exceptions,
      binding.agrees(with: claimed, quantised: quantised)
    {
      return config
    }
    let modules = binding.exceptions(of: quantisation, in: self.binding, quantised: quantised)
    return rule.config(config, in: binding.layout, quantisedExcept: modules)
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
