import Canonical
import Comparison
import JSON
import Layouts
import Opening
import Tensors

/// The config that a layout would write of a model, and what it would read from it.
struct WrittenConfig {
  /// What the model is.
  let configuration: ModelConfiguration
  /// The config with its text.
  let text: ConfigText
  /// What is left out of a config that is written again.
  let dropped: [LeftOut]
  /// What the layout reads from it, beside the model.
  let comparison: LayoutComparison

  /// The source's own config where its form stays; the remembered one where the model comes back to a
  /// layout that it was in before; else a new one.
  init(
    _ configuration: ModelConfiguration, of source: OpenedModel, in layout: Layout,
    _ history: ModelHistory?, allowing allowed: Set<String>
  ) throws {
    self.configuration = configuration
    if source.isInForm(of: layout) {
      text = source.config.changed(
        to: layout.updatedConfig(
          source.config.value, from: source.statedConfiguration, to: configuration))
      dropped = []
      comparison = LayoutComparison(
        configuration, isSaidBy: text.value, in: layout, isWritten: false)
      return
    }
    let config = try Self.newConfig(configuration, of: source, in: layout)
    if !layout.hasOwnKeys, let origin = history?.origin(layout.id),
      origin.form == layout.form.name,
      let restored = RestoredConfig(
        origin, insteadOf: config, of: source, configuration, in: layout, allowing: allowed)
    {
      (text, dropped, comparison) = (restored.text, restored.dropped, restored.comparison)
      return
    }
    (text, dropped) = (ConfigText(value: config, bytes: nil), [])
    comparison = LayoutComparison(
      configuration, isSaidBy: config, in: layout, isWritten: true, allowing: allowed)
  }

  /// A new config, with what the source's says beyond the model where the layout has words for it.
  private static func newConfig(
    _ configuration: ModelConfiguration, of source: OpenedModel, in layout: Layout
  ) throws -> JSONValue {
    let config = source.config.value
    if layout.id == source.layout.id, layout.hasOwnKeys {
      return layout.writtenConfig(configuration, describedBy: config)
    }
    let written = source.endOfText(
      addedTo: try layout.writtenConfig(configuration, around: config, of: source.layout),
      in: layout)
    // The options of a trainer name the type of a run, not that of what it stored.
    guard source.layout.isOfTrainer, let type = source.canonical.tensors[Role("embedding")]?.type
    else {
      return written
    }
    return layout.naming(type, in: written)
  }

  /// The config to write: it states the requested type, counts only tensors that are written, and names
  /// exactly the programs that are written beside it.
  /// - Parameter configuration: what the layout reads from the config.
  func edited(
    _ configuration: ModelConfiguration, of source: OpenedModel, in layout: Layout,
    _ options: ConversionOptions
  ) -> JSONValue {
    let lacksMTP =
      options.dropsMTP || layout.predictionLayers(claimedBy: source.config.value) == 0
    let cast = layout.editedConfig(text.value, type: options.cast, dropsMTP: lacksMTP)
    let named = layout.configNamingCode(
      source.layout.editedConfig(cast, type: nil, dropsMTP: lacksMTP), for: configuration)
    return options.allowsCode ? named : ProgramKeys.removed(from: named).config
  }
}

extension OpenedModel {
  /// Whether a checkpoint in a layout is stored as this one is.
  func isInForm(of layout: Layout) -> Bool {
    layout.id == self.layout.id && layout.form == self.layout.form
  }
}

extension OpenedModel {
  /// A config with the tokens that end a text, which mlx-lm moves there from `generation_config.json`.
  fileprivate func endOfText(addedTo config: JSONValue, in layout: Layout) -> JSONValue {
    guard layout.metadata.contains(where: { $0 == ("format", "mlx") }),
      case .object(var object) = config, let tokens = endOfText
    else { return config }
    object[Self.endKey] = tokens
    return .object(object)
  }

  private static let endKey = "eos_token_id"

  /// What `generation_config.json` says; nil for nothing, zero and an empty list, as mlx-lm takes them.
  private var endOfText: JSONValue? {
    let name = "generation_config.json"
    guard checkpoint.sidecars.contains(name),
      let bytes = try? MappedFile.readAll(checkpoint.path(name), limit: 1 << 20),
      let value = try? JSONValue(parsing: bytes), let tokens = value[Self.endKey]
    else { return nil }
    return tokens.isNull || tokens.int == 0 || tokens.array?.isEmpty == true ? nil : tokens
  }
}
