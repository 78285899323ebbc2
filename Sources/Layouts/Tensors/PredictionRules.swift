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
  /// Whether programs that write the form differ in which half of `mtp.fc` is the first.
  public let isUnsettled: Bool

  init(
    _ value: JSONValue, rules: [JSONValue], tables: [String: [Int]], forms: [LayoutForm]
  ) throws {
    var object = try FormatObject(value, "mtp")
    let prefixes = try object.strings("layers")
    guard prefixes.count % 2 == 0 else {
      throw FormatValue.wrong(value, "prefixes of names in pairs as layers")
    }
    isUnsettled = try !forms[0].tags.isDisjoint(with: object.strings("unsettled"))
    model = try object.list("tensors") {
      try TensorRule($0, tables: tables, form: forms[0])
    }.compactMap(\.self)
    isCountedApart = !prefixes.isEmpty
    let renamed = stride(from: 0, to: prefixes.count, by: 2).reduce(rules) { rules, place in
      rules.map { $0.replacing(prefixes[place], with: prefixes[place + 1]) }
    }
    let preferred = try object.strings("first")
    let (first, others) = (
      forms.filter { !$0.tags.isDisjoint(with: preferred) },
      forms.filter { $0.tags.isDisjoint(with: preferred) }
    )
    try object.finish()
    var layers: [[TensorRule]] = []
    for form in first + others {
      let rules = try renamed.compactMap {
        try TensorRule($0, tables: tables, form: form)
      }.filter(\.isPerLayer)
      if !layers.contains(rules) { layers.append(rules) }
    }
    self.layers = layers
  }
}
