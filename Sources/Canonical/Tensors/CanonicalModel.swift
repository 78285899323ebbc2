import Diagnostics
import Tensors

/// A model in the canonical form: its configuration and its tensors by role.
///
/// Nothing is read until a tensor is asked for its values.
public struct CanonicalModel: Sendable {
  /// What the weights do not say.
  public var configuration: ModelConfiguration
  /// The tensors by role.
  public var tensors: [Role: CanonicalTensor]

  /// A model from its parts.
  public init(configuration: ModelConfiguration, tensors: [Role: CanonicalTensor]) {
    self.configuration = configuration
    self.tensors = tensors
  }

  /// The tensors of some roles, of all layers and experts, in no order.
  /// - Parameter names: keys of `RoleTable`.
  public func tensors(of names: Set<String>) -> [CanonicalTensor] {
    tensors.keys.filter { names.contains($0.name) }.compactMap { tensors[$0] }
  }

  /// The tensor of a role that must be there.
  /// - Throws: `Problem` of kind `invalid` where it is not, `unsupported` where its type cannot be
  ///   computed with.
  public func tensor(_ role: Role) throws -> CanonicalTensor {
    guard let tensor = tensors[role] else {
      throw Problem(.invalid, "the model has no \(role)", layer: role.layer)
    }
    guard tensor.isComputable else {
      throw Problem(
        .unsupported, "cannot compute with this type", tensor: tensor.origin, layer: role.layer,
        expected: "F32, BF16, F16, FP8 with its scales or blocks of weights",
        found: tensor.type.rawValue + (tensor.type.isOfInputs ? ", a type of inputs" : ""),
        remedy: "take a checkpoint that stores these weights in one of them")
    }
    return tensor
  }
}
