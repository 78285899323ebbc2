import Canonical
import Diagnostics
import JSON

extension ConfigEntry {
  /// The facts that an object states through this entry.
  /// - Throws: `Problem` of kind `invalid` for a missing key or a value of the wrong type,
  ///   `unsupported` for a value that the layout does not know.
  func read(from object: JSONObject) throws -> Facts {
    switch meaning {
    case .fact(let entry): [entry.fact: try read(entry, object[key])]
    case .cases(let cases, let absent): try read(cases, object[key] ?? absent)
    case .constant, .blocks: [:]
    case .object(let null, let set, let entries):
      try read(object[key] ?? .null, null: null, set: set, entries: entries)
    }
  }

  private func read(_ entry: FactEntry, _ value: JSONValue?) throws -> FactValue {
    guard let value else {
      if let absent = entry.absent { return absent }
      throw Problem(.invalid, "the config lacks a key", expected: key)
    }
    if value == .null, let null = entry.null { return null }
    if let map = entry.map {
      guard let match = map.first(where: { $0.value == value }),
        let fact = match.facts[entry.fact]
      else { throw unknown(value, map) }
      return fact
    }
    guard let fact = FactValue(value), fact != .none else {
      throw Problem(.invalid, "the config has a value of the wrong type", found: text(value))
    }
    if case .integer(let number) = fact {
      let (sum, overflow) = number.addingReportingOverflow(entry.plus)
      return .integer(overflow ? number : sum)
    }
    return fact
  }

  private func read(_ cases: [Case], _ value: JSONValue?) throws -> Facts {
    guard let value else { throw Problem(.invalid, "the config lacks a key", expected: key) }
    guard let match = cases.first(where: { $0.value == value }) else {
      throw unknown(value, cases)
    }
    return match.facts
  }

  private func read(_ value: JSONValue, null: Facts, set: Facts, entries: [ConfigEntry]) throws
    -> Facts
  {
    if value == .null { return null }
    guard case .object(let object) = value else {
      throw Problem(.invalid, "the config has a value of the wrong type", found: text(value))
    }
    return try entries.reduce(into: set) { facts, entry in
      facts.merge(try entry.read(from: object)) { $1 }
    }
  }

  /// The facts that a list of per-layer objects states, layer by layer.
  func readBlocks(from object: JSONObject) throws -> [Facts] {
    guard case .blocks(let select, let kinds) = meaning else { return [] }
    guard case .array(let blocks)? = object[key] else {
      throw Problem(.invalid, "the config lacks a list of layers", expected: key)
    }
    return try blocks.enumerated().map { layer, block in
      try Problem.placing({ $0.inLayer(layer) }) {
        guard case .object(let block) = block else {
          throw Problem(.invalid, "a layer of \(key) is not an object")
        }
        return try read(block, select: select, kinds: kinds)
      }
    }
  }

  private func read(
    _ block: JSONObject, select: String, kinds: [(name: String, kind: BlockKind)]
  ) throws -> Facts {
    let name = block[select] ?? .null
    guard let kind = kinds.first(where: { name == .string($0.name) })?.kind else {
      throw Problem(
        .unsupported, "\(key): \(select) is not one the layout knows",
        expected: kinds.map(\.name).joined(separator: ", "), found: text(name))
    }
    return try kind.entries.reduce(into: kind.set) { facts, entry in
      facts.merge(try entry.read(from: block)) { $1 }
    }
  }

  private func unknown(_ value: JSONValue, _ cases: [Case]) -> Problem {
    Problem(
      .unsupported, "\(key): the value is not one the layout knows",
      expected: cases.map { $0.value.text(indent: 0) }.joined(separator: ", "),
      found: value.text(indent: 0))
  }

  private func text(_ value: JSONValue) -> String { "\(key): \(value.text(indent: 0))" }
}
