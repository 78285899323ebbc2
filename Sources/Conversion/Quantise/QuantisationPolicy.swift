import Containers
import JSON
import Layouts
import Opening
import Packing
import Tensors

/// How a tensor is stored that is quantised.
enum QuantisedForm: Hashable, Sendable {
  /// In blocks of a type of its file.
  case blocks(ScalarType)
  /// In the parts of MLX's packing.
  case mlx(MLXForm)
  /// In floats of 8 bits with a scale for each block of rows and columns.
  case scaled
  /// In single values, as the library writes what it does not quantise.
  case plain(RequestedType)
}

/// Which tensors of an output are quantised, and to what: that of the library that reads the kind.
protocol QuantisationPolicy: Sendable {
  /// The forms of tensors that are quantised, by stored name; others are written as they are.
  func forms(of tensors: [BoundTensor]) throws -> [String: QuantisedForm]

  /// The same for tensors of multi-token prediction that are carried through by name.
  func forms(carried tensors: [StoredTensor]) -> [String: QuantisedForm]

  /// The config of an output that says which of its tensors are quantised, and how.
  /// - Parameters:
  ///   - forms: those of the tensors that are quantised.
  ///   - names: the names of all tensors, in the order of the model.
  func config(_ config: JSONValue, saying forms: [String: QuantisedForm], of names: [String])
    -> JSONValue
}

extension QuantisationPolicy {
  func forms(carried tensors: [StoredTensor]) -> [String: QuantisedForm] { [:] }

  func config(_ config: JSONValue, saying forms: [String: QuantisedForm], of names: [String])
    -> JSONValue
  { config }
}

extension ConversionOptions {
  /// How the tensors of an output are stored that are quantised, by name, but for those whose type is
  /// asked for by name.
  /// - Throws: `Problem` of kind `unsupported` where some tensor cannot be.
  func forms(of tensors: [BoundTensor], by policy: any QuantisationPolicy) throws
    -> [String: QuantisedForm]
  {
    try policy.forms(of: tensors)
      .filter { name, _ in !overrides.contains { $0.pattern.matches(name) } }
  }

  /// The type that is asked for a tensor: by its name, by the kind of quantised weights, for all.
  func cast(for name: String, as form: QuantisedForm?) -> RequestedType {
    switch form {
    case .blocks(let type): .byName(type)
    case .plain(let type): type
    case .mlx, .scaled: cast(for: name)
    case nil: cast(for: name)
    }
  }

  /// Whether a tensor is rounded because its blocks were asked for.
  func allowsRounding(_ tensor: CheckpointPlan.Tensor, as form: QuantisedForm?) -> Bool {
    allowsLoss || form != nil || (quantisation != nil && tensor.type.isBlock)
  }
}
