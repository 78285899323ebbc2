import Containers
import Diagnostics
import Layouts
import Opening

/// What becomes of the tensors that are carried through by name.
struct CarriedTensors {
  /// The carried tensors that are written if the target has a place for them.
  let kept: [StoredTensor]
  /// What an option leaves out.
  let dropped: [LeftOut]
  private let source: OpenedModel
  private let allowed: Set<StrayTensor>
  /// The weights of carried scales, by the name of the scale.
  private let weights: [String: String]

  init(_ source: OpenedModel, _ options: ConversionOptions, except translated: PredictionTensors) {
    self.source = source
    allowed = options.allowed
    let names = Set(translated.tensors.flatMap { [$0.name] + ($0.scales.map { [$0.name] } ?? []) })
    func isDropped(_ tensor: StoredTensor) -> Bool {
      options.dropsMTP && source.isPrediction(tensor)
    }
    kept = source.carried.filter { !isDropped($0) && !names.contains($0.name) }
    dropped =
      source.carried.filter(isDropped).map { LeftOut($0.name, .prediction) }
      + source.extra.map { LeftOut($0.name, $0.kind) }
    weights = Dictionary(
      source.binding.carriedScales.map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// The names for which a layout has no place.
  func homeless(in binding: LayoutBinding) -> [String] {
    kept.filter { !source.hasPlace($0, in: binding) }.map(\.name)
  }

  /// Names for which the target has no place, each with the reason why it may be left out.
  func leftOut(_ homeless: [String]) -> [LeftOut] {
    homeless.map { name in
      source.losesSomething(without: name)
        ? LeftOut(name, kind(of: name)) : LeftOut(.tensor, name, source.reasonToLeave(name))
    }
  }

  /// A problem for each kind of tensor that has no place in the target and may not be left out.
  func problems(_ binding: LayoutBinding) -> [Problem] {
    let lost = homeless(in: binding).filter { source.losesSomething(without: $0) }
    let kinds = Dictionary(grouping: lost, by: kind(of:))
    return StrayTensor.allCases.filter { !allowed.contains($0) }.compactMap { kind in
      kinds[kind].map { names in
        Problem(
          .unsupported, "layout \(binding.layout.id) has no place for some tensors",
          tensor: NameFolding.summary(names), found: "\(names.count) tensors \(kind.text)",
          remedy: kind.remedy)
      }
    }
  }

  /// What a carried tensor seems to be; a scale is what its weight is.
  private func kind(of name: String) -> StrayTensor {
    let weight = weights[name] ?? name
    if source.binding.carrier(of: weight)?.isPrediction == true { return .prediction }
    return StrayTensor(weight, layers: source.configuration.layers.count) {
      source.checkpoint.tensor($0) != nil
    }
  }
}

/// Which carried tensors a layout without a place for them may leave out.
extension OpenedModel {
  /// Whether leaving a carried tensor out loses anything. It does not if the tensor repeats another, which is
  /// checked before anything is written, or if no reader uses it.
  fileprivate func losesSomething(without name: String) -> Bool {
    guard let carrier = binding.carrier(of: name) else { return true }
    return carrier.same == nil && !carrier.isUnused && !isEmpty(name)
  }

  private func isEmpty(_ name: String) -> Bool { checkpoint.tensor(name)?.elementCount == 0 }

  /// Why a tensor may be left out without loss.
  fileprivate func reasonToLeave(_ name: String) -> String {
    binding.carrier(of: name)?.same.map { "copy of the \($0.name)" }
      ?? (isEmpty(name) ? "tensor without elements" : "tensor that the original never reads")
  }
}
