import Diagnostics
import JSON

/// A place in a list of a layout file where the rules of a part stand.
///
/// `{ "part": "qwen3/attention", "place": "model.layers.{layer}.", "but": { "{place}q.weight": { "ops": [] } } }`
/// stands for the list `attention` of the part `qwen3`, with the place filled in, and with other `ops` in the
/// rule that the part calls `{place}q.weight`.
struct PartUse {
  /// The name of the part and of its list.
  let name: String
  private let place: String?
  private let changes: [(rule: String, members: JSONValue)]

  /// Reads a value of a list; nil for one that is a rule itself.
  /// - Throws: `Problem` of kind `invalid` for a use that says anything else.
  init?(_ value: JSONValue) throws {
    guard value["part"] != nil else { return nil }
    var object = try FormatObject(value, "the use of a part")
    name = try object.string("part")
    place = try object.optionalString("place")
    guard case .object(let changes) = object.optional("but") ?? .object(JSONObject()) else {
      throw FormatValue.wrong(value, "names of rules and what they say instead as but")
    }
    self.changes = changes.entries.map { ($0.key, $0.value) }
    try object.finish()
  }

  /// The rules that stand there.
  /// - Throws: `Problem` of kind `invalid` for a list that no part has, a change of a rule that the list does not
  ///   have, and a place that is given without need or missing.
  func rules(from parts: [LayoutPart]) throws -> [JSONValue] {
    let rules = try changed(list(in: parts))
    let placed = rules.map { $0.replacing("{place}", with: place ?? "") }
    guard (place != nil) == (placed != rules) else {
      throw Problem(
        .invalid, "a layout file uses a part wrongly",
        expected: place == nil ? "a place, which its rules name" : "no place: its rules name none",
        found: name)
    }
    return placed
  }

  private func list(in parts: [LayoutPart]) throws -> [JSONValue] {
    let known = parts.flatMap { part in part.lists.map { ("\(part.name)/\($0.key)", $0.value) } }
    guard let list = known.first(where: { $0.0 == name }) else {
      let names = known.map(\.0).sorted()
      throw Problem(
        .invalid, "a layout file uses an unknown part",
        expected: Suggestion.nearest(to: name, in: names) ?? names.joined(separator: ", "),
        found: name)
    }
    return list.1
  }

  /// Rules with the changes; a change to null leaves its rule out.
  private func changed(_ rules: [JSONValue]) throws -> [JSONValue] {
    let names = rules.map(Self.name)
    if let change = changes.first(where: { !names.contains($0.rule) }) {
      throw Problem(
        .invalid, "a layout file changes a rule that the part does not have",
        expected: names.compactMap(\.self).joined(separator: ", "),
        found: "\(change.rule) in \(name)")
    }
    return try zip(rules, names).flatMap { rule, name in
      guard let change = changes.first(where: { $0.rule == name }) else { return [rule] }
      return change.members.isNull ? [] : [try Self.merged(rule, change.members)]
    }
  }

  /// What a part calls a rule: its config key, its stored name or its prefix.
  private static func name(of rule: JSONValue) -> String? {
    rule["key"]?.string ?? rule["name"]?.string ?? rule["prefix"]?.string
  }

  private static func merged(_ rule: JSONValue, _ change: JSONValue) throws -> JSONValue {
    guard var members = rule.object, case .object(let others) = change else {
      throw FormatValue.wrong(change, "what a rule says instead, or null to leave it out")
    }
    for (key, value) in others.entries { members[key] = value }
    return .object(members)
  }
}
