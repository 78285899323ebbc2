import Canonical
import Comparison
import Containers
import Diagnostics
import JSON
import Layouts
import Opening

/// A model as another layout will hold it, or the reasons why it cannot.
struct ConversionTarget {
  /// The model, with norms stored as the layout stores them.
  let model: CanonicalModel
  /// The stored tensors.
  let binding: LayoutBinding
  /// The config as it was or would be written.
  private let config: ConfigText
  /// The config to write, but for what it says of quantised weights.
  private let edited: JSONValue
  /// The stored tensors of multi-token prediction that are written under new names.
  let predictions: [BoundTensor]
  /// The typed metadata to write; nil for a layout whose config is a file of its own.
  let metadata: TargetMetadata?
  /// The carried tensors that go along.
  let kept: [StoredTensor]
  /// The record of where the source comes from, where there is one.
  let history: ModelHistory?
  /// What is left out.
  let dropped: [LeftOut]

  /// Prepares a model for a layout.
  /// - Throws: `Problem` of kind `unsupported`, with every reason.
  init(_ source: OpenedModel, _ layout: Layout, _ options: ConversionOptions) throws {
    let isSame = Self.isSameForm(source, layout)
    history = ModelHistory(of: source.checkpoint)
    let translated = try PredictionTensors(source, for: layout, options)
    let configuration = translated.counted(in: source, for: layout, options)
    let (written, forgotten) = try Self.config(source, configuration, layout, history)
    let comparison = LayoutComparison(
      configuration, isSaidBy: written.value, in: layout, isWritten: !isSame)
    let wanted = CarriedTensors(source, options, except: translated)
    var there = try comparison.reading(orRefusingWith: {
      try wanted.problems(LayoutBinding(layout, $0))
    })
    there.predictionLayers = configuration.predictionLayers
    predictions = try translated.written(in: layout, there, from: source)
    let plain = try LayoutBinding(layout, there)
    model = try translated.added(to: source).withNorms(zeroCentred: there.normIsZeroCentred)
      .restoring(history?.kept ?? [], from: source.canonical, in: plain)
    binding =
      isSame
      ? plain.scaled(by: source.quantisation, stored: source.checkpoint.headers) : plain
    let homeless = Set(wanted.homeless(in: binding))
    kept = wanted.kept.filter { !homeless.contains($0.name) }
    let lacksMTP =
      options.dropsMTP || layout.predictionLayers(claimedBy: source.config.value) == 0
    let cast = layout.editedConfig(written.value, type: options.cast, dropsMTP: lacksMTP)
    let named = layout.configNamingCode(
      source.layout.editedConfig(cast, type: nil, dropsMTP: lacksMTP), for: there)
    edited = options.allowsCode ? named : ProgramKeys.removed(from: named).config
    config = written
    metadata = try TargetMetadata(edited, of: source, configuration, in: layout)
    dropped =
      wanted.dropped + wanted.leftOut(homeless.sorted())
      + (metadata?.dropped ?? []) + (try Self.keysLeft(source, layout)) + forgotten
      + source.leftover.map { LeftOut(.key, $0, "no tensor is quantised") }
      + (options.allowsCode
        ? [] : ProgramKeys.leftOut(ProgramKeys.removed(from: source.config.value).names))
    try checkRoles()
  }

  /// The config to write.
  /// - Parameter quantised: the names of the tensors that are written with scales.
  func configBytes(from source: OpenedModel, quantised: Set<String>) -> [UInt8] {
    config.bytes(source.config(edited, of: binding, quantised: quantised))
  }

  /// Keys of the source that say something for which the target has no place, where one of both
  /// layouts has keys of its own.
  private static func keysLeft(_ source: OpenedModel, _ layout: Layout) throws -> [LeftOut] {
    guard layout.hasOwnKeys || source.layout.hasOwnKeys, !isSameForm(source, layout) else {
      return []
    }
    let staysDescribed = layout.id == source.layout.id
    return try source.layout.keysBeyondFacts(source.config.value, source.configuration)
      .filter { $0 != GGUFConfig.tensorsKey && (!staysDescribed || layout.isKeyOfModel($0)) }
      .map { LeftOut(.key, $0, "key without a place in \(layout.id)") }
  }

  static func isSameForm(_ source: OpenedModel, _ layout: Layout) -> Bool {
    layout.id == source.layout.id && layout.variant == source.layout.variant
  }

  /// The config that a layout would write: that of the source where it stays in its form, that of
  /// before where the model comes back.
  private static func config(
    _ source: OpenedModel, _ configuration: ModelConfiguration, _ layout: Layout,
    _ history: ModelHistory?
  ) throws -> (config: ConfigText, dropped: [LeftOut]) {
    if isSameForm(source, layout) {
      let config = layout.updatedConfig(
        source.config.value, from: source.configuration, to: configuration)
      return (source.config.changed(to: config), [])
    }
    if layout.id == source.layout.id, layout.hasOwnKeys {
      let config = layout.writtenConfig(configuration, describedBy: source.config.value)
      return (ConfigText(value: config, bytes: nil), [])
    }
    let config = try layout.writtenConfig(
      configuration, around: source.config.value, of: source.layout)
    if !layout.hasOwnKeys, let origin = history?.origin(layout.id),
      origin.form == layout.variant.name,
      let restored = RestoredConfig(
        origin, insteadOf: config, of: source, configuration, in: layout)
    {
      return (restored.text, restored.dropped)
    }
    return (ConfigText(value: config, bytes: nil), [])
  }

  /// The plan of one stored tensor.
  /// - Throws: `Problem` of kind `unsupported` where types cannot be brought together, or quantised
  ///   weights would have to be dequantised.
  func move(_ bound: BoundTensor, cast: RequestedType) throws -> TensorMove {
    try TensorMove(
      bound, from: model, cast: cast,
      scaleName: bound.scales?.name ?? binding.layout.scales?.names(of: bound.name).first)
  }

  /// What a layout would say of a model.
  static func comparison(_ source: OpenedModel, _ layout: Layout) throws -> LayoutComparison {
    LayoutComparison(
      source.configuration,
      isSaidBy: try config(
        source, source.configuration, layout, ModelHistory(of: source.checkpoint)
      ).config.value,
      in: layout,
      isWritten: !isSameForm(source, layout))
  }

  /// Every canonical tensor must have a place, and every place a tensor.
  private func checkRoles() throws {
    let places = Set((binding.tensors + predictions).flatMap { $0.parts.map(\.role) })
    let homeless = Set(model.tensors.keys).subtracting(places)
    let missing = places.subtracting(model.tensors.keys)
    try Problem.throwIfAny(
      Set(homeless.map(\.name)).sorted().map { name in
        Problem(
          .unsupported, "layout \(binding.layout.id) has no place for \(name)",
          remedy: Layout.remedy)
      }
        + Set(missing.map(\.name)).sorted().map { name in
          Problem(
            .unsupported,
            "layout \(binding.layout.id) needs \(name), which the model does not have",
            remedy: Layout.remedy)
        })
  }
}
