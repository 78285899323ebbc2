import Canonical
import Containers
import Layouts

/// The tensors of multi-token prediction that another layout stores under other names.
struct PredictionTensors {
  /// The number of layers.
  private let layers: Int
  /// The stored tensors; none where the layouts only carry them, or one of them does.
  let tensors: [BoundTensor]

  init(_ source: OpenedModel, for layout: Layout, _ options: ConversionOptions) throws {
    guard layout.id != source.layout.id, layout.prediction != nil, !options.dropsMTP else {
      (layers, tensors) = (0, [])
      return
    }
    (layers, tensors) = try source.predictionTensors()
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
    if layout.id != source.layout.id || options.dropsMTP { configuration.predictionLayers = layers }
    return configuration
  }
}

extension OpenedModel {
  /// The most layers of multi-token prediction that are looked for.
  private static let mostPredictions = 16

  /// Whether a carried tensor belongs to multi-token prediction.
  func isPrediction(_ tensor: StoredTensor) -> Bool {
    binding.carrier(of: tensor.name)?.isPrediction == true
  }

  /// The tensors of multi-token prediction, where all of them are stored as the layout knows it.
  func predictionTensors() throws -> (layers: Int, tensors: [BoundTensor]) {
    let carried = Dictionary(
      self.carried.filter(isPrediction).map { ($0.name, $0.shape) },
      uniquingKeysWith: { first, _ in first })
    guard !carried.isEmpty else { return (0, []) }
    for count in 1...Self.mostPredictions {
      var configuration = configuration
      configuration.predictionLayers = count
      let fitting = try layout.predictionTensors(configuration).first { tensors in
        tensors.count == carried.count && tensors.allSatisfy { carried[$0.name] == $0.shape }
      }
      if let fitting { return (count, fitting) }
    }
    return (0, [])
  }

  /// The tensors of multi-token prediction that are missing beside those that are stored; none where
  /// the layout does not know those.
  func missingPrediction() throws -> [String] {
    let stored = Set(carried.filter(isPrediction).map(\.name))
    let scales = Set(binding.carriedScales.values.map(\.name))
    guard !stored.isEmpty else { return [] }
    for count in 1...Self.mostPredictions {
      var configuration = configuration
      configuration.predictionLayers = count
      let forms = try layout.predictionTensors(configuration).map { $0.flatMap(\.pieces) }
      let holding = forms.filter { stored.subtracting(scales).isSubset(of: $0) }
      guard let nearest = holding.min(by: { $0.count < $1.count }) else { continue }
      return nearest.filter { !stored.contains($0) }
    }
    return []
  }
}
