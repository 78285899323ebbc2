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
    holds = try object.optional("holds", Condition.init(file:))
    some = try object.optional("some", Condition.init(file:))
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
    let names = shown.isEmpty ? holds.facts : shown
    let facts = names.map { "\($0) \((layers[first][$0] ?? .none).text)" }
      .joined(separator: ", ")
    let isOfLayers = (names + scope.facts).contains(where: FactNames.layer.contains)
    return (
      holds.text, isOfLayers ? facts + " in layers \(NameFolding.range(broken))" : facts
    )
  }
}
