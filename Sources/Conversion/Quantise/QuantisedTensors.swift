import Layouts
import Opening
import Packing
import Tensors

extension QuantisedForm {
  /// The stored tensors of a weight that is packed into several; nil for a form that is one tensor.
  func tensors(of move: TensorMove, in layout: Layout) -> [CheckpointPlan.Tensor]? {
    switch self {
    case .blocks, .plain: nil
    case .mlx(let form):
      Self.tensors(
        of: move, MLXEncoder(form, shape: move.target.shape, type: move.type),
        names: ["weight", "scales", "biases"].map { "\(move.target.module).\($0)" })
    case .scaled:
      Self.tensors(
        of: move, FP8BlockEncoder(shape: move.target.shape, type: move.type),
        names: [move.target.name] + (layout.scales?.names(of: move.target.name).prefix(1) ?? []))
    }
  }

  private static func tensors(
    of move: TensorMove, _ encoder: some WeightEncoder, names: [String]
  ) -> [CheckpointPlan.Tensor] {
    encoder.parts.enumerated().map { index, part in
      CheckpointPlan.Tensor(
        name: names[index], type: part.type, shape: part.shape, rule: .quantised(encoder.scheme),
        content: .encoded(EncodedMove(move: move, encoder: encoder, part: index)))
    }
  }
}
