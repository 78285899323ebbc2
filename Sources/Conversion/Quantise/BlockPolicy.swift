import Layouts
import Tensors

/// Which types llama-quantize gives to the tensors of a file.
struct BlockPolicy: QuantisationPolicy {
  let kind: QuantisationKind

  func forms(of tensors: [BoundTensor]) throws -> [String: QuantisedForm] {
    Dictionary(
      tensors.filter(Self.isQuantised).map { ($0.name, .blocks(.q8Zero)) },
      uniquingKeysWith: { first, _ in first })
  }

  /// Matrices but for routers and convolutions.
  private static func isQuantised(_ tensor: BoundTensor) -> Bool {
    tensor.shape.count > 1 && tensor.name.hasSuffix("weight")
      && !["_norm.weight", "ffn_gate_inp.weight", "ssm_conv1d.weight"].contains {
        tensor.name.hasSuffix($0)
      }
  }
}
