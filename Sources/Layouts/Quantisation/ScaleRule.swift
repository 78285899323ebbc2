import JSON

/// How a layout stores the scales of quantised weights and how its config announces them.
public struct ScaleRule: Sendable {
  /// The config key that holds the quantisation.
  public let key: String
  /// The names that the scale of a weight may have, `{name}` standing for that of the weight and
  /// `{module}` for it without its last `.weight`; the first one is written.
  let names: [String]
  /// The tags of the forms that are written with quantised weights where no other is asked for; empty
  /// for the usual one.
  let tags: Set<String>
  /// The name of the one scale of a tensor that several stored ones make up, `{pieces}` standing for what
  /// their names begin with; nil where such tensors have none.
  let joint: String?
  /// Whether weights may be plain that the config does not except.
  let isLoose: Bool

  /// The name of the one scale of a tensor that some stored ones make up.
  func jointName(of pieces: [String]) -> String? {
    guard pieces.count > 1, let joint else { return nil }
    let parts = pieces[0].split(separator: ".").dropLast(2)
    return joint.replacing("{pieces}", with: parts.joined(separator: "."))
  }

  /// The names under which the scale of a weight may be stored, the preferred one first.
  public func names(of weight: String) -> [String] {
    let module = weight.hasSuffix(".weight") ? String(weight.dropLast(".weight".count)) : nil
    return names.compactMap { name in
      guard name.contains("{module}") else { return name.replacing("{name}", with: weight) }
      return module.map { name.replacing("{module}", with: $0) }
    }
  }
}

extension LayoutForm {
  /// Whether weights with scales are written in this form where no other is asked for.
  public func isPreferred(by rule: ScaleRule?) -> Bool {
    guard let rule, !rule.tags.isEmpty else { return true }
    return !tags.isDisjoint(with: rule.tags)
  }
}

extension ScaleRule {
  /// Reads the `scales` section of a layout file.
  init(_ value: JSONValue) throws {
    var object = try FormatObject(value, "scales")
    key = try object.string("config")
    names = try object.strings("names")
    tags = Set(try object.strings("in"))
    joint = try object.optionalString("joint")
    isLoose = try object.flag("loose")
    try object.finish()
    guard !names.isEmpty, names[0].contains("{name}"),
      names.allSatisfy({ $0.contains("{name}") || $0.contains("{module}") })
    else {
      throw FormatValue.wrong(
        value, "names with {name} or {module}, the first one with {name}")
    }
  }
}
