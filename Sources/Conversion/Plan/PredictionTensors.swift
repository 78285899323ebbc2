import Canonical
import Layouts
import Opening

/// The tensors of multi-token prediction that another layout stores under other names.
struct PredictionTensors {
  /// The number of layers.
  private let layers: Int
  /// The stored tensors; none where the layouts only carry them, or one of them does.
  let tensors: [BoundTensor]
  /// How the halves of `mtp.fc` are to be written.
  private let halves: Assumption.Halves

  init(_ source: OpenedModel, for layout: Layout, _ options: ConversionOptions) throws {
    let isMoved = layout.id != source.layout.id || source.mendsPrediction
    guard isMoved, layout.prediction != nil, !options.dropsMTP else {
      (layers, tensors, halves) = (0, [], .kept)
      return
    }
    // Where the source leaves no doubt, what the user says is about the layout that does.
    let isOfTarget = [source.layout, layout].map { $0.prediction?.isUnsettled } == [false, true]
    (layers, tensors) = try source.predictionTensors(halves: isOfTarget ? .kept : nil)
    halves = isOfTarget && !tensors.isEmpty ? try source.halves(in: layout) : .kept
  }

  /// The tensors as another layout stores them, or as the own one should have.
  func written(in layout: Layout, _ configuration: ModelConfiguration, from source: OpenedModel)
    throws -> [BoundTensor]
  {
    guard !tensors.isEmpty else { return [] }
    let forms = try layout.predictionTensors(configuration, halves: halves)
    guard layout.id == source.layout.id else { return forms.first ?? [] }
    let names = tensors.map(\.name)
    return forms.first { $0.map(\.name) == names } ?? forms.first ?? []
  }

  /// A model with these tensors.
  func added(to source: OpenedModel) throws -> CanonicalModel {
    var model = source.canonical
    model.tensors.merge(try OpenedModel.tensors(tensors, source.checkpoint)) { $1 }
    return model
  }

  /// The configuration of a model with the layers that will be written.
  func counted(in source: OpenedModel, for layout: Layout, _ options: ConversionOptions)
    -> ModelConfiguration
  {
    var configuration = source.configuration
    if layout.id != source.layout.id || !tensors.isEmpty || options.dropsMTP {
      configuration.predictionLayers = layers
    }
    return configuration
  }
}
