import Canonical

/// The facts of a model and of its layers, for the keys of a config to state.
struct ModelFacts {
  /// Those of the model, sizes of the layout among them.
  let model: Facts
  /// Those of each layer, together with those of the model.
  let layers: [Facts]

  init(_ configuration: ModelConfiguration) {
    let facts = configuration.values.merging(configuration.sizeFacts) { $1 }
    model = facts
    layers = configuration.layers.map { facts.merging($0.values) { $1 } }
  }

  /// The facts of the model, or of the first layer, for which an entry holds; nil where it holds for none.
  func facts(for entry: ConfigEntry) -> Facts? {
    guard entry.isForLayers else { return entry.condition.holds(model) ? model : nil }
    return layers.first(where: entry.condition.holds)
  }
}
