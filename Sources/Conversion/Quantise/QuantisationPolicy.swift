import Containers
import Diagnostics
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

  /// Whether it is a packing of MLX.
  var isOfMLX: Bool { if case .mlx = self { true } else { false } }
}

/// Which tensors of an output are quantised, and to what: that of the library that reads the kind.
protocol QuantisationPolicy: Sendable {
  /// The forms of tensors that are quantised, by stored name; others are written as they are.
  func forms(of tensors: [BoundTensor]) throws -> [String: QuantisedForm]

  /// The same for tensors of multi-token prediction that are carried through by name.
  func forms(carried tensors: [StoredTensor]) -> [String: QuantisedForm]

  /// The form of a tensor that is asked for by name.
  /// - Throws: `Problem` of kind `unsupported` where the tensor or the layout cannot have it.
  func form(_ kind: QuantisationKind, of tensor: BoundTensor) throws -> QuantisedForm

  /// The config of an output that says which of its tensors are quantised, and how.
  /// - Parameters:
  ///   - forms: those of the tensors that are quantised.
  ///   - names: the names of all tensors, in the order of the model.
  func config(_ config: JSONValue, saying forms: [String: QuantisedForm], of names: [String])
    -> JSONValue
}

extension QuantisationPolicy {
  func forms(carried tensors: [StoredTensor]) -> [String: QuantisedForm] { [:] }

  func form(_ kind: QuantisationKind, of tensor: BoundTensor) throws -> QuantisedForm {
    throw Problem(
      .unsupported, "a weight cannot be packed so beside the others", tensor: tensor.name,
      expected: "a type of the layout", found: kind.rawValue,
      remedy: "choose another type with --dtype-for, or another kind with --quantise")
  }

  func config(_ config: JSONValue, saying forms: [String: QuantisedForm], of names: [String])
    -> JSONValue
  { config }
}

extension ConversionOptions {
  /// How the tensors of an output are stored that are quantised, by name: as rules say, else as the library
  /// of the kind does.
  /// - Throws: `Problem` of kind `unsupported` where some tensor cannot be.
  func forms(of tensors: [BoundTensor], by policy: any QuantisationPolicy) throws
    -> [String: QuantisedForm]
  {
    var forms = try policy.forms(of: tensors)
    for tensor in tensors {
      switch choice(for: tensor.name) {
      case .kind(let kind): forms[tensor.name] = try policy.form(kind, of: tensor)
      case .keep, .type: forms[tensor.name] = nil
      case nil: break
      }
    }
    return forms
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
