import Canonical
import Comparison
import Diagnostics
import Layouts
import Opening

/// A layout with the stored tensors that a model has in it.
struct BoundLayout {
  /// What the layout reads from its own config.
  let configuration: ModelConfiguration
  /// The stored tensors.
  let binding: LayoutBinding
  /// The stored tensors of multi-token prediction that are written under new names.
  let predictions: [BoundTensor]

  /// Binds a layout whose config was found to describe the same model.
  /// - Throws: `Problem` of kind `unsupported`, with every reason, where it does not,
  ///   or has no place for a carried tensor.
  init(
    _ layout: Layout, as written: WrittenConfig, of source: OpenedModel,
    _ carried: CarriedTensors, _ prediction: PredictionTensors
  ) throws {
    let plain = try written.comparison.bound(
      by: { read in
        var configuration = read
        configuration.predictionLayers = written.configuration.predictionLayers
        return (configuration, try LayoutBinding(layout, configuration))
      },
      unless: { _, binding in
        let lost = carried.problems(binding)
        // What is refused says every reason, so that no remedy leads to the next refusal.
        guard !lost.isEmpty, written.comparison.problems.isEmpty else { return lost }
        return Self.misplaced(source.canonical, among: binding.tensors, in: layout) + lost
      })
    configuration = plain.0
    binding =
      source.isInForm(of: layout)
      ? plain.1.scaled(by: source.quantisation, stored: source.checkpoint.headers) : plain.1
    predictions = try prediction.written(in: layout, configuration, from: source)
  }

  /// Every canonical tensor must have a place, and every place a tensor.
  func check(_ model: CanonicalModel) throws {
    try Problem.throwIfAny(
      Self.misplaced(model, among: binding.tensors + predictions, in: binding.layout))
  }

  private static func misplaced(
    _ model: CanonicalModel, among tensors: [BoundTensor], in layout: Layout
  ) -> [Problem] {
    let places = Set(tensors.flatMap { $0.parts.map(\.role) })
    // What follows from facts needs no place: a reader computes it.
    let homeless = Set(model.tensors.keys).subtracting(places)
      .subtracting(model.configuration.implied.keys)
    let missing = places.subtracting(model.tensors.keys)
    return Set(homeless.map(\.name)).sorted().map { name in
      Problem(
        .unsupported, "layout \(layout.id) has no place for \(name)", remedy: Layout.remedy)
    }
      + Set(missing.map(\.name)).sorted().map { name in
        Problem(
          .unsupported, "layout \(layout.id) needs \(name), which the model does not have",
          remedy: Layout.remedy)
      }
  }
}
