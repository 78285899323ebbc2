import Canonical
import Containers
import Layouts
import Tensors

extension StoredCheckpoint {
  /// The same headers, but with the shape of the layout where a stored shape lacks only outer extents of 1,
  /// which GGUF drops.
  func shaped(like tensors: [BoundTensor]) -> StoredHeaders {
    var headers = headers
    guard container == .gguf else { return headers }
    for tensor in tensors {
      guard let place = headers.place(of: tensor.name),
        TensorShape.withoutOuterOnes(headers.values[place].shape)
          == TensorShape.withoutOuterOnes(tensor.shape)
      else { continue }
      headers.reshape(place, tensor.shape)
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
  /// A carried tensor with its scales, as a tensor to compute with; nil for one without.
  package func scaledCarried(_ stored: StoredTensor) -> CanonicalTensor? {
    guard let bound = binding.carriedScales[stored.name],
      let scales = checkpoint.scales(bound, of: stored)
    else { return nil }
    return CanonicalTensor(
      shape: stored.shape, type: stored.type, region: stored.region,
      view: StridedView(contiguous: stored.shape), scales: scales, origin: stored.name)
  }
}

extension StoredTensor {
  /// The tensor as one to compute with.
  package var values: CanonicalTensor {
    CanonicalTensor(
      shape: shape, type: type, region: region, view: StridedView(contiguous: shape), origin: name)
  }
}
