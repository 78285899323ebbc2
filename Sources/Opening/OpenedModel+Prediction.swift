import Canonical
import Containers
import Diagnostics
import Layouts

extension OpenedModel {
  /// The most layers of multi-token prediction that are looked for.
  private static let mostPredictions = 16

  /// Whether a carried tensor belongs to multi-token prediction.
  package func isPrediction(_ tensor: StoredTensor) -> Bool {
    binding.carrier(of: tensor.name)?.isPrediction == true
  }

  /// Whether norms of multi-token prediction are stored otherwise than the layout says.
  package var mendsPrediction: Bool {
    norms?.offsets.keys.contains { $0.part == .prediction } == true
  }

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

  /// The tensors of multi-token prediction by role; empty unless all are stored under names that the layout
  /// knows.
  /// - Parameter halves: how the halves of `mtp.fc` stand; nil for what the user says, or the layout.
  package func predictionTensors(halves: Assumption.Halves? = nil) throws -> (
    layers: Int, tensors: [BoundTensor]
  ) {
    let scales = Set(binding.carriedScales.values.map(\.name))
    let stored = carried.filter { isPrediction($0) && !scales.contains($0.name) }
    guard !stored.isEmpty else { return (0, []) }
    let halves = try halves ?? self.halves(in: layout)
    for count in 1...Self.mostPredictions {
      var configuration = configuration
      configuration.predictionLayers = count
      for tensors in try layout.predictionTensors(configuration, halves: halves)
      where tensors.count == stored.count {
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

  /// How the halves of the projection stand in a layout with which multi-token prediction begins.
  /// - Throws: `Problem` of kind `unsupported` where programs that use the layout differ in it and the
  ///   user has not said it.
  package func halves(in layout: Layout) throws -> Assumption.Halves {
    let said = assumptions.lazy.compactMap { assumption -> Assumption.Halves? in
      if case .halves(let halves) = assumption { halves } else { nil }
    }.first
    guard said == nil, layout.prediction?.isUnsettled == true else { return said ?? .kept }
    throw Problem(
      .unsupported, "programs differ in how they store the projection of multi-token prediction",
      file: checkpoint.weightsPath.string,
      expected: "which half is the first, that of the embedding or that of the hidden state",
      remedy: """
        say --assume mtp-halves=exchanged for what slime writes and reads, mtp-halves=kept for Megatron's \
        own tools, or leave the layers out with --mtp drop
        """)
  }

  /// The tensors of multi-token prediction that are missing although others are stored; empty where the
  /// layout does not know their names.
  package func missingPrediction() throws -> [String] {
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
