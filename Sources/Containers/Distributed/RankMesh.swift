import Tensors

/// Takes a `DeviceMesh` apart, as releases of torch from 2.4 on store it.
struct RankMesh {
  private let heap: PickleHeap
  private let state: PickleValue?

  init(_ heap: PickleHeap, _ mesh: PickleValue) {
    self.heap = heap
    state = heap.state(of: mesh, .deviceMesh)
  }

  private func attribute(_ key: String) -> PickleValue? {
    state.flatMap { heap.attribute(key, of: $0) }
  }

  /// Where the rank stands.
  var coordinate: [Int]? { attribute("_coordinate_on_dim").flatMap(numbers) }

  /// The extents: of the tensor of all ranks, or as the layout in that tensor says.
  var extents: [Int]? {
    if case .tensor(let place)? = attribute("mesh") { return heap.tensors[place].shape }
    guard let layout = attribute("_layout").flatMap({ heap.state(of: $0, .meshLayout) }) else {
      return nil
    }
    if let axes = heap.attribute("axes", of: layout).flatMap(heap.elements) {
      guard axes.count <= PickleMachine.mostExtents else { return nil }
      return all(
        axes.map { axis in
          heap.state(of: axis, .meshAxis).flatMap { heap.attribute("shape", of: $0) }
            .flatMap(product)
        })
    }
    guard let shape = heap.attribute("shape", of: layout) else { return nil }
    if let extent = shape.int { return [extent] }
    guard let extents = heap.elements(shape), extents.count <= PickleMachine.mostExtents else {
      return nil
    }
    return all(extents.map(product))
  }

  private func all(_ values: [Int?]) -> [Int]? {
    let found = values.compactMap(\.self)
    return found.count == values.count ? found : nil
  }

  /// A number, or the product of several.
  private func product(_ value: PickleValue) -> Int? {
    value.int ?? numbers(value).flatMap(TensorShape.elementCount)
  }

  private func numbers(_ value: PickleValue) -> [Int]? {
    guard heap.elements(value)?.count ?? 0 <= PickleMachine.mostExtents else { return nil }
    return heap.numbers(value)
  }
}
