import Canonical
import JSON

/// What a gate of quantised weights is told and tells.
extension VerificationReport {
  /// A tensor of quantised weights beside the one that it was rounded from.
  public struct QuantisedTensor: Sendable {
    /// The role, or the name under which it is stored.
    public let name: String
    /// The layer it belongs to; nil for what belongs to none.
    public let layer: Int?
    /// How far its values are off, over what rounding explains.
    public let gap: LevelGap
    /// Whether that is within the gate.
    public let passes: Bool
  }

  /// Adds how far rounding alone takes the model, as a comparison with one shows that is rounded again; of
  /// several the worst counts.
  mutating func add(rounding other: VerificationReport) {
    logits.rounding = Self.larger(logits.rounding, other.logits)
    stepped.rounding = logits.rounding
    head.rounding = Self.larger(head.rounding, other.head)
    embedding.rounding = Self.larger(embedding.rounding, other.embedding.nmse)
    for (index, layer) in zip(layers.indices, other.layers) {
      layers[index].hidden.rounding = Self.larger(
        layers[index].hidden.rounding, layer.hidden.nmse)
      layers[index].step.rounding = Self.larger(layers[index].step.rounding, layer.step.relative)
      layers[index].step.sureRounding = Self.larger(
        layers[index].step.sureRounding, layer.step.sure.relative ?? 0)
    }
  }

  /// The larger number; NaN is larger than any.
  private static func larger(_ a: Double, _ b: Double) -> Double { a.isNaN || a > b ? a : b }

  private static func larger(_ rounding: LogitComparison.Rounding, _ other: LogitComparison)
    -> LogitComparison.Rounding
  {
    var result = rounding
    result.nmse = larger(rounding.nmse, other.nmse)
    result.meanKL = larger(rounding.meanKL, other.meanKL)
    return result
  }

  /// Adds the quantised tensors among those that differ by value.
  mutating func add(quantised changes: ValueChanges) {
    let layers = changes.layers.sorted { $0.key < $1.key }.flatMap { layer, changes in
      changes.map { (name: $0.role.name, layer: Optional(layer), gap: $0.gap) }
    }
    let all = layers + changes.others.map { ($0.name, $0.layer, $0.gap) }
    tensors += all.compactMap { name, layer, gap in
      gap.levels.map {
        QuantisedTensor(name: name, layer: layer, gap: $0, passes: gate.passes(gap))
      }
    }
  }

  /// What is told of rounding, beside what every gate tells.
  var roundingJSON: JSONObject {
    guard gate == .quantised else { return [:] }
    return [
      "explained": .object([
        "logits_nmse": JSONValue(logits.rounding.nmse),
        "logits_mean_kl": JSONValue(logits.rounding.meanKL),
        "layers": .array(layers.map { JSONValue($0.step.rounding) }),
      ]),
      "tensors": .array(
        tensors.map { tensor in
          .object([
            "name": .string(tensor.name), "layer": tensor.layer.map { JSONValue($0) } ?? .null,
            "error_over_rounding": JSONValue(tensor.gap.whole),
            "worst_over_rounding": JSONValue(tensor.gap.worst), "pass": .bool(tensor.passes),
          ])
        }),
    ]
  }
}
