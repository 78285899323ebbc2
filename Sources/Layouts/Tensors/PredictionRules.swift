import Canonical
import Diagnostics
import JSON

/// How a layout stores the tensors of multi-token prediction: rules of the model, and those of a layer
/// with attention under other names.
public struct PredictionRules: Sendable {
  /// The rules of tensors that exist once.
  let model: [TensorRule]
  /// The rules of a layer, one list for each way in which the layout stores layers.
  let layers: [[TensorRule]]
  /// Whether layers are counted from 0 and not after those of the model.
  let isCountedApart: Bool

  init(
    _ value: JSONValue, rules: [JSONValue], tables: [String: [Int]], variants: [LayoutVariant]
  ) throws {
    var object = try FormatObject(value, "mtp")
    let prefixes = try object.strings("layers")
    guard prefixes.isEmpty || prefixes.count == 2 else {
      throw FormatValue.wrong(value, "two prefixes of names as layers")
    }
    model = try object.array("tensors").compactMap {
      try TensorRule($0, tables: tables, variant: variants[0])
    }
    try object.finish()
    isCountedApart = !prefixes.isEmpty
    let renamed =
      prefixes.isEmpty ? rules : rules.map { $0.replacing(prefixes[0], with: prefixes[1]) }
    var forms: [[TensorRule]] = []
    for variant in variants {
      let form = try renamed.compactMap {
        try TensorRule($0, tables: tables, variant: variant)
      }.filter(\.isPerLayer)
      if !forms.contains(form) { forms.append(form) }
    }
    layers = forms
  }
}

extension Layout {
  /// The stored tensors of multi-token prediction, one list for each way in which the layout stores
  /// them; none where it only carries them or the model has none.
  /// - Throws: `Problem` of kind `invalid` where a rule does not fit the model.
  public func predictionTensors(_ configuration: ModelConfiguration) throws -> [[BoundTensor]] {
    guard let prediction, !configuration.predictions.isEmpty else { return [] }
    let model = Scope(self, configuration, layer: nil, valueHeads: nil)
    let scopes = configuration.predictions.indices.map { index in
      Scope(
        self, configuration, prediction: index,
        name: prediction.isCountedApart ? index : configuration.layers.count + index)
    }
    return try prediction.layers.map { rules in
      try prediction.model.flatMap(model.bind)
        + scopes.flatMap { scope in try rules.flatMap(scope.bind) }
    }
  }
}
