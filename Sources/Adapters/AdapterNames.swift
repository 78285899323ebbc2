import Canonical
import Containers
import Diagnostics
import Layouts
import Opening

/// The stored tensors of a model as one layout names them, for an adapter that uses its names.
struct AdapterNames {
  let layout: Layout
  /// Whether the head of the base is its embedding.
  let isTied: Bool
  private let tensors: [String: BoundTensor]
  /// The tensors by the name of their module, for adapters of tensors without a module of their own.
  private let children: [String: [BoundTensor]]

  private let binding: LayoutBinding

  private init(_ binding: LayoutBinding, _ tensors: [BoundTensor], of base: OpenedModel) {
    (self.binding, layout, isTied) = (binding, binding.layout, base.configuration.isTied)
    self.tensors = Dictionary(
      tensors.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    children = Dictionary(grouping: tensors) { tensor in
      tensor.name.lastIndex(of: ".").map { String(tensor.name[..<$0]) } ?? ""
    }
  }

  /// The tensor of a name.
  func tensor(_ name: String) -> BoundTensor? { tensors[name] }

  /// The tensors directly below a module.
  func below(_ module: String) -> [BoundTensor] { children[module] ?? [] }

  /// The tensor that one of a name would repeat, such as the embedding for the head of a tied model.
  func original(ofCopy name: String) -> BoundTensor? {
    guard let role = binding.carrier(of: name)?.same else { return nil }
    return binding.tensors.first { $0.parts.map(\.role) == [role] }
  }

  /// The names of a base as it is stored.
  init(of base: OpenedModel) throws {
    let carried = base.carried.filter { base.checkpoint.tensor($0.name) != nil }
    let predictions = (try? base.predictionTensors().tensors) ?? []
    self.init(
      base.binding,
      base.binding.tensors + predictions
        + carried.map {
          base.binding.shared($0.name, shape: $0.shape)
            ?? BoundTensor(carrying: $0.name, shape: $0.shape)
        }, of: base)
  }

  /// The names that another layout, or another form of it, has for a base; nil where it cannot hold it.
  init?(_ layout: Layout, of base: OpenedModel) {
    guard let binding = try? LayoutBinding(layout, base.configuration) else { return nil }
    let shared = base.carried.compactMap { base.shared($0)?.part }.compactMap(binding.storing)
    var configuration = base.configuration
    configuration.predictionLayers = (try? base.predictionTensors().layers) ?? 0
    let predictions = (try? layout.predictionTensors(configuration))?.first ?? []
    self.init(binding, binding.tensors + predictions + shared, of: base)
  }
}

extension AdapterConfig.Family {
  /// Whether programs of the family use the names of a layout.
  func names(_ layout: Layout) -> Bool {
    let format = layout.metadata.first { $0.key == "format" }?.value
    switch self {
    case .gguf: return layout.container == Container.gguf.rawValue
    case .mlx: return layout.container == nil && format == "mlx"
    case .peft: return layout.container == nil && format != "mlx" && !layout.isOfTrainer
    }
  }
}
