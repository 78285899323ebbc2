import Canonical
import Diagnostics
import JSON

extension ConfigEntry {
  /// The facts that an object states through this entry.
  /// - Throws: `Problem` of kind `invalid` for a missing key or a value of the wrong type,
  ///   `unsupported` for a value that the layout does not know.
  func read(from object: JSONObject) throws -> Facts {
    switch meaning {
    case .fact(let entry): [entry.fact: try read(entry, lookup(object), in: object)]
    case .cases(let cases, let absent, let otherwise):
      try read(cases, lookup(object) ?? absent, otherwise: otherwise)
    case .constant, .standard, .list, .sparse, .groups, .blocks: [:]
    case .object(let null, let set, let entries):
      try read(lookup(object) ?? .null, null: null, set: set, entries: entries)
    }
  }

  private func read(_ entry: FactEntry, _ value: JSONValue?, in object: JSONObject) throws
    -> FactValue
  {
    if value == nil || value == .null {
      if let key = entry.sameAs { return try read(entry, object.value(at: key) ?? .null) }
      if let ratio = entry.ratio { return try ratio.value(object) }
    }
    let fact = try read(entry, value)
    guard let times = entry.times else { return fact }
    guard let factor = object.value(at: times.key)?.int, let number = value?.number,
      let product = Int(exactly: number * Double(factor))
    else {
      throw Problem(.invalid, "\(key) times \(times.key) is not a whole number", found: fact.text)
    }
    return .integer(product)
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

  private func read(_ cases: [Case], _ value: JSONValue?, otherwise: Facts?) throws -> Facts {
    if let match = cases.first(where: { $0.value == value }) { return match.facts }
    if let otherwise { return otherwise }
    guard let value else { throw Problem(.invalid, "the config lacks a key", expected: key) }
    throw unknown(value, cases)
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

  /// The facts that a list with one item per layer states, layer by layer.
  /// - Parameter count: the number of layers, where another key gives it.
  func readList(from object: JSONObject, count: FactValue?) throws -> [Facts] {
    switch meaning {
    case .blocks(let select, let kinds): try readBlocks(from: object, select, kinds)
    case .list(let words, let interval, let onlyInterval):
      try readWords(
        onlyInterval ? nil : lookup(object), in: object, words, interval, count: count)
    case .sparse(let step, let experts):
      try readSparse(from: object, step: step, experts: experts, count: count)
    case .groups(let member, let kind, let others):
      try readGroups(from: object, member: member, kind, others: others, count: count)
    case .fact, .cases, .constant, .standard, .object: []
    }
  }

  private func readGroups(
    from object: JSONObject, member: String, _ kind: BlockKind, others: Facts, count: FactValue?
  ) throws -> [Facts] {
    guard case .integer(let count)? = count, Interval.layerCounts.contains(count) else {
      throw Problem(.invalid, "the number of layers is out of range")
    }
    var layers = Array(repeating: others, count: count)
    for group in try lookup(object)?.groups ?? [] {
      var facts = kind.set
      for entry in kind.entries { facts.merge(try entry.read(from: group)) { $1 } }
      for layer in try FormatValue.array(group[member] ?? .null).map(FormatValue.integer) {
        guard layers.indices.contains(layer), layers[layer] == others else {
          throw Problem(
            .invalid, "\(key): a layer does not exist or is named twice", layer: layer)
        }
        layers[layer] = facts
      }
    }
    return layers
  }

  private func readSparse(
    from object: JSONObject, step: String, experts: String, count: FactValue?
  ) throws -> [Facts] {
    let dense = try FormatValue.array(lookup(object) ?? .array([])).map(FormatValue.integer)
    let step = object.value(at: step)?.int ?? 1
    let hasExperts = (object.value(at: experts)?.int ?? 0) > 0
    guard case .integer(let count)? = count, Interval.layerCounts.contains(count), step > 0 else {
      throw Problem(.invalid, "the number of layers or the sparse step is out of range")
    }
    return (0..<count).map { layer in
      let isSparse = hasExperts && !dense.contains(layer) && (layer + 1) % step == 0
      return ["mlp": .word(isSparse ? "moe" : "dense")]
    }
  }

  private func readWords(
    _ list: JSONValue?, in object: JSONObject, _ words: [(word: String, facts: Facts)],
    _ interval: Interval?,
    count: FactValue?
  ) throws -> [Facts] {
    let list = try list.map(FormatValue.array) ?? interval?.words(object, count) ?? []
    return try list.enumerated().map { layer, value in
      guard let match = words.first(where: { value == .string($0.word) }) else {
        throw Problem(
          .unsupported, "\(key): the kind of a layer is not one the layout knows", layer: layer,
          expected: words.map(\.word).joined(separator: ", "), found: value.text(indent: 0))
      }
      return match.facts
    }
  }

  private func readBlocks(
    from object: JSONObject, _ select: String, _ kinds: [(name: String, kind: BlockKind)]
  ) throws -> [Facts] {
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

extension ConfigEntry.Interval {
  /// The numbers of layers for which a list is made up.
  static let layerCounts = 0...(1 << 14)

  /// The words of a list that is not written down.
  func words(_ object: JSONObject, _ count: FactValue?) throws -> [JSONValue] {
    let interval = object.value(at: key)?.int ?? standard
    guard case .integer(let count)? = count, Self.layerCounts.contains(count), interval > 0
    else {
      throw Problem(
        .invalid, "the config gives neither a list of layers nor a sensible number and interval",
        expected: key, found: "\(interval)")
    }
    return words(count, every: interval).map { .string($0) }
  }

  /// The words of some layers for one interval.
  func words(_ count: Int, every interval: Int) -> [String] {
    (0..<count).map { ($0 + 1) % interval == 0 ? every : other }
  }
}

extension ConfigEntry.Ratio {
  /// The width for the hidden size of a config.
  func value(_ object: JSONObject) throws -> FactValue {
    guard let hidden = object["hidden_size"]?.int,
      case let ratio = object.value(at: key)?.int ?? standard, (1...(1 << 20)).contains(hidden),
      (1...1024).contains(ratio)
    else { throw Problem(.invalid, "the hidden size or its ratio is out of range") }
    let width = hidden * ratio * 2 / 3
    return .integer((width + multiple - 1) / multiple * multiple)
  }
}

extension JSONValue {
  /// The objects of a list of objects, of one object, or of nothing.
  fileprivate var groups: [JSONObject] {
    get throws {
      switch self {
      case .null: return []
      case .object(let object): return [object]
      default:
        return try FormatValue.array(self).map { value in
          guard case .object(let object) = value else {
            throw FormatValue.wrong(value, "an object")
          }
          return object
        }
      }
    }
  }
}
