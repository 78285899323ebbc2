import JSON
import Layouts
import Packing

/// The packed weights that are written in other parts than the source has.
struct Repacked {
  /// Their names.
  let names: Set<String>
  /// What the config of the library says of each module.
  let modules: [String: JSONValue]
  /// The modules of plain matrices that are written beside them.
  let plain: [String]

  private static let ending = ".weight"

  init(_ tensors: [CheckpointPlan.Tensor]) {
    let weights = tensors.compactMap { tensor -> (name: String, entry: JSONValue?)? in
      guard case .part(_, let repacking) = tensor.content, repacking.isFirst else { return nil }
      return (repacking.move.target.name, repacking.entry)
    }
    names = Set(weights.map(\.name))
    modules = weights.reduce(into: [:]) { modules, weight in
      guard let module = Self.module(of: weight.name) else { return }
      modules[module] = weight.entry
    }
    plain = tensors.filter { $0.shape.count == 2 && $0.type.isFloat && !$0.rule.isRepacked }
      .compactMap { Self.module(of: $0.name) }
  }

  private static func module(of name: String) -> String? {
    name.hasSuffix(ending) ? String(name.dropLast(ending.count)) : nil
  }
}
