import Canonical
import Diagnostics
import JSON

/// What readers of a layout refuse or misread although its config can say it.
public struct LayoutLimit: Hashable, Sendable {
  /// For which layers the limit holds.
  let scope: Condition
  /// What must hold for each of these layers.
  let holds: Condition?
  /// What must hold for at least one layer.
  let some: Condition?
  /// Why, for the message.
  let reason: String
  /// The facts that a message tells in place of those of `holds`.
  let shown: [String]
  /// What can be done; nil for nothing but another layout.
  let remedy: String?

  init(_ value: JSONValue) throws {
    var object = try FormatObject(value, "a limit")
    scope = try object.condition()
    holds = try object.optionalString("holds").map(Condition.init)
    some = try object.optionalString("some").map(Condition.init)
    reason = try object.string("because")
    shown = try object.strings("shows")
    remedy = try object.optionalString("remedy")
    try object.finish()
    guard (holds == nil) != (some == nil) else {
      throw FormatValue.wrong(value, "either holds or some")
    }
    let conditions = [scope, holds, some].compactMap(\.self)
    for name in conditions.flatMap(\.facts) + shown { _ = try FormatValue.fact(name) }
  }

  /// What a model breaks of the limit; nil where it keeps it.
  func breach(_ configuration: ModelConfiguration) -> (what: String, found: String)? {
    let layers = configuration.factsByLayer
    if let some {
      return layers.contains(where: some.holds) ? nil : (some.text, "no such layer")
    }
    guard let holds else { return nil }
    let broken = layers.indices.filter { scope.holds(layers[$0]) && !holds.holds(layers[$0]) }
    guard let first = broken.first else { return nil }
    let facts = (shown.isEmpty ? holds.facts : shown).map {
      "\($0) \((layers[first][$0] ?? .none).text)"
    }
    return (
      holds.text,
      facts.joined(separator: ", ") + " in layers \(NameFolding.range(broken))"
    )
  }
}

extension LayoutLimit {
  /// The facts that a model breaks the limit with, layer by layer; none where it keeps it.
  fileprivate func brokenFacts(_ configuration: ModelConfiguration) -> [FactComparison] {
    guard let holds else { return [] }
    let layers = configuration.factsByLayer
    let broken = layers.indices.filter { scope.holds(layers[$0]) && !holds.holds(layers[$0]) }
    return (shown.isEmpty ? holds.facts : shown).flatMap { name -> [FactComparison] in
      let places: [Int?] = FactNames.layer.contains(name) ? broken : Array(broken.prefix(1))
      return places.map { layer in
        FactComparison(
          fact: name, layer: FactNames.layer.contains(name) ? layer : nil,
          here: layer.flatMap { layers[$0][name] } ?? .none, there: .none)
      }
    }
  }
}

extension Layout {
  /// The facts of a model with which it breaks limits of the layout.
  public func brokenFacts(_ configuration: ModelConfiguration) -> [FactComparison] {
    limits.flatMap { $0.brokenFacts(configuration) }
  }

  /// What can be done where a layout does not hold a model.
  public static let remedy = "graft convert SRC --explain says which layouts hold this model"

  /// What readers of the layout would refuse or misread in a model, each with the reason.
  public func breaches(_ configuration: ModelConfiguration) -> [Problem] {
    limits.compactMap { limit in
      limit.breach(configuration).map { what, found in
        Problem(
          .unsupported, "layout \(id) cannot hold this model: \(limit.reason)", expected: what,
          found: found, remedy: limit.remedy ?? Self.remedy)
      }
    }
  }
}
