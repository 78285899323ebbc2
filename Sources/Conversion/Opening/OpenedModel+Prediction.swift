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
    let isMoved = layout.id != source.layout.id || source.mendsPrediction
    guard isMoved, layout.prediction != nil, !options.dropsMTP else {
      (layers, tensors) = (0, [])
      return
    }
    (layers, tensors) = try source.predictionTensors()
  }

  /// The tensors as another layout stores them, or as the own one should have.
  func written(in layout: Layout, _ configuration: ModelConfiguration, from source: OpenedModel)
    throws -> [BoundTensor]
  {
    guard !tensors.isEmpty else { return [] }
    let forms = try layout.predictionTensors(configuration)
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

extension OpenedModel {
  /// The most layers of multi-token prediction that are looked for.
  private static let mostPredictions = 16

  /// Whether a carried tensor belongs to multi-token prediction.
  func isPrediction(_ tensor: StoredTensor) -> Bool {
    binding.carrier(of: tensor.name)?.isPrediction == true
  }

  /// Whether norms of multi-token prediction are stored otherwise than the layout says.
  var mendsPrediction: Bool { norms?.offsets.keys.contains { $0.part == .prediction } == true }

  /// The tensors of multi-token prediction that hold norms, whichever of the others are stored.
  static func predictionNorms(
    _ configuration: ModelConfiguration, _ binding: LayoutBinding, _ checkpoint: StoredCheckpoint
  ) throws -> [BoundTensor] {
    let prefixes = binding.carried.filter(\.isPrediction).map(\.prefix)
    guard checkpoint.tensors.contains(where: { prefixes.contains(where: $0.name.hasPrefix) }) else {
      return []
    }
    var configuration = configuration
    configuration.predictionLayers = mostPredictions
    let forms = try binding.layout.predictionTensors(configuration)
    let norms = (forms.first ?? []).filter {
      CanonicalModel.centredNorms.contains($0.parts.first?.role.name ?? "")
    }
    return norms.filter { checkpoint.tensor($0.name) != nil }
  }

  /// The tensors of multi-token prediction, where all of them are stored as the layout knows it.
  func predictionTensors() throws -> (layers: Int, tensors: [BoundTensor]) {
    let scales = Set(binding.carriedScales.values.map(\.name))
    let stored = carried.filter { isPrediction($0) && !scales.contains($0.name) }
    guard !stored.isEmpty else { return (0, []) }
    for count in 1...Self.mostPredictions {
      var configuration = configuration
      configuration.predictionLayers = count
      for tensors in try layout.predictionTensors(configuration) where tensors.count == stored.count
      {
        let headers = checkpoint.shaped(like: tensors)
        guard tensors.allSatisfy({ headers[$0.name]?.shape == $0.shape }) else { continue }
        return (
          count,
          tensors.map { $0.with(scales: binding.carriedScales[$0.name]) }
            .map { $0.shifted(by: norms?.offsets ?? [:], in: .prediction) }
        )
      }
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
