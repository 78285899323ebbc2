import Layouts
import Opening

extension AdapterPlacement {
  /// A change of one tensor of the layout.
  struct Item {
    let target: BoundTensor
    /// What is said of the change.
    let change: AdapterRecord.Change
    /// Makes the change, given where the tensor lies in the base.
    let make: @Sendable ([ChangedPlace]) -> any TensorChange
    var replacement: AdapterTensor?
  }
}

extension AdapterPlacement.Item {
  init(
    _ target: BoundTensor, _ change: AdapterRecord.Change,
    _ make: @escaping @Sendable ([ChangedPlace]) -> any TensorChange
  ) {
    self.init(target: target, change: change, make: make)
  }

  /// A tensor of the adapter in the place of one of the base.
  init(_ target: BoundTensor, replacedBy tensor: AdapterTensor) {
    self.init(
      target: target,
      change: AdapterRecord.Change(module: target.name, kind: .whole, rank: nil, scale: nil),
      make: { _ in ReplacedValues(tensor: tensor, steps: ([], [])) }, replacement: tensor)
  }
}
