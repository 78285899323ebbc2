import Canonical
import Comparison
import Containers
import Diagnostics
import JSON
import Layouts
import Opening
import Tensors

/// A model as another layout will hold it, or the reasons why it cannot.
struct ConversionTarget {
  /// The model, with norms stored as the layout stores them.
  let model: CanonicalModel
  /// The layout with the stored tensors.
  private let bound: BoundLayout
  /// The config as it was or would be written.
  private let written: WrittenConfig
  /// The config to write, but for what it says of quantised weights.
  private let edited: JSONValue
  /// The typed metadata to write; nil for a layout whose config is a file of its own.
  let metadata: TargetMetadata?
  /// The carried tensors that go along.
  let kept: [StoredTensor]
  /// The earlier layouts of the model, if a record tells them.
  let history: ModelHistory?
  /// What is left out.
  let dropped: [LeftOut]
  /// The type of plain matrices beside packed weights; nil where none are packed.
  private let plainType: ScalarType?

  /// The facts that have another value in the layout, because that is allowed.
  var allowed: [LayoutComparison.Row] { written.comparison.rows.filter { $0.verdict == .allowed } }

  /// The stored tensors.
  var binding: LayoutBinding { bound.binding }
  /// The stored tensors of multi-token prediction that are written under new names.
  var predictions: [BoundTensor] { bound.predictions }

  /// Prepares a model for a layout.
  ///
  /// In this order: choose the tensors of multi-token prediction, because the config counts them; write the
  /// config; read it as the target does and compare the facts; bind the layout to what was read; give every
  /// tensor its place, carried tensors and remembered values included.
  /// - Throws: `Problem` of kind `unsupported`, with every reason.
  init(_ source: OpenedModel, _ layout: Layout, _ options: ConversionOptions) throws {
    history = ModelHistory(of: source.checkpoint)
    plainType = source.packing == nil ? nil : source.plainType
    if layout.container != source.layout.container {
      try source.configuration.checkBlocks(remedy: "repair the file first")
    }
    let prediction = try PredictionTensors(source, for: layout, options)
    let vocabulary = try VocabularyChange(source, options)
    let counted = prediction.counted(in: source, for: layout, options)
    let configuration = vocabulary?.applied(to: counted) ?? counted
    written = try WrittenConfig(
      configuration, of: source, in: layout, history, allowing: options.allowedFacts)
    let carried = CarriedTensors(source, options, except: prediction)
    bound = try BoundLayout(
      layout, as: written, of: source, carried, prediction)
    let own = try prediction.added(to: source)
      .withNorms(zeroCentred: bound.configuration.normIsZeroCentred)
      .restoring(history?.kept ?? [], from: source.canonical, in: bound.binding)
    model = try vocabulary?.applied(to: own) ?? own
    edited = written.edited(bound.configuration, of: source, in: layout, options)
    metadata = try TargetMetadata(edited, of: source, configuration, in: layout)
    let homeless = Set(carried.homeless(in: bound.binding))
    kept = carried.kept.filter { !homeless.contains($0.name) }
    dropped =
      carried.dropped + carried.leftOut(homeless.sorted())
      + (metadata?.dropped ?? []) + (try Self.keysLeft(source, layout)) + written.dropped
      + source.leftover.map { LeftOut(.key, $0, "no tensor is quantised") }
      + (options.allowsCode
        ? [] : ProgramKeys.leftOut(ProgramKeys.removed(from: source.config.value).names))
    try bound.check(model)
  }

  /// The config to write.
  /// - Parameters:
  ///   - quantised: the names of the tensors that are written with scales of the source.
  ///   - claiming: says of a config what is quantised anew.
  func configBytes(
    from source: OpenedModel, quantised: Set<String>, _ claiming: (JSONValue) -> JSONValue
  ) -> [UInt8] {
    written.text.bytes(claiming(source.config(edited, of: binding, quantised: quantised)))
  }

  /// The config to write after a change.
  func configBytes(_ change: (JSONValue) throws -> JSONValue) rethrows -> [UInt8] {
    written.text.bytes(try change(edited))
  }

  /// Keys of the source that the target cannot express, if the keys of either layout mean nothing to the
  /// other.
  private static func keysLeft(_ source: OpenedModel, _ layout: Layout) throws -> [LeftOut] {
    guard layout.hasOwnKeys || source.layout.hasOwnKeys, !source.isInForm(of: layout) else {
      return []
    }
    let staysDescribed = layout.id == source.layout.id
    return try source.layout.keysBeyondFacts(source.config.value, source.configuration)
      .filter {
        ![GGUFConfig.tensorsKey, GGUFConfig.rowsKey].contains($0)
          && (!staysDescribed || layout.isKeyOfModel($0))
      }
      .map { LeftOut(.key, $0, "key without a place in \(layout.id)") }
  }

  /// The plan of one stored tensor.
  /// - Throws: `Problem` of kind `unsupported` where types cannot be brought together, or quantised
  ///   weights would have to be dequantised.
  /// - Parameter tears: whether blocks may be torn apart, because other blocks are written.
  func move(_ bound: BoundTensor, cast: RequestedType, tears: Bool = false) throws -> TensorMove {
    try TensorMove(
      bound, from: model, cast: cast,
      scaleName: bound.scales?.name ?? scaleName(of: bound), narrow: plainType, tears: tears)
  }

  private func scaleName(of bound: BoundTensor) -> String? {
    guard let rule = binding.layout.scales else { return nil }
    return bound.isPiece ? rule.jointName(ofPiece: bound.name) : rule.names(of: bound.name).first
  }
}
