import Canonical
import JSON

extension ConfigEntry {
  /// The value that a new config has for given facts; nil where it has none.
  func written(for facts: Facts) -> JSONValue? {
    if isOmittedIfImplied, let implied = try? read(from: JSONObject(), known: facts),
      implied.agree(with: facts)
    {
      return nil
    }
    return value(for: facts)
  }

  /// The value of the key for given facts; nil where no value stands for them.
  func value(for facts: Facts) -> JSONValue? {
    let value = untyped(facts)
    guard type == "f32", let number = value?.number else { return value }
    return JSONValue(Double("\(Float(number))") ?? number)
  }

  private func untyped(_ facts: Facts) -> JSONValue? {
    switch meaning {
    case .fact(let entry): value(entry, facts)
    case .cases(let cases, _, _):
      self.facts.isEmpty ? nil : cases.first { $0.facts.agree(with: facts) }?.value
    case .constant(let value), .standard(let value): value
    case .object(let null, let set, let entries):
      if null.agree(with: facts) {
        .null
      } else if set.agree(with: facts) {
        .object(Self.object(entries, facts))
      } else {
        nil
      }
    case .rival, .inert, .refused, .list, .sparse, .indices, .groups, .blocks: nil
    }
  }

  private func value(_ entry: FactEntry, _ facts: Facts) -> JSONValue? {
    let fact = facts[entry.written ?? entry.fact] ?? .none
    if let times = entry.times, case .integer(let product) = fact,
      case .integer(let factor)? = facts[times], factor > 0
    {
      return JSONValue(Double(product) / Double(factor))
    }
    if let listed = entry.listed { return fact.integers(atLeast: listed) }
    if let null = entry.null, null.means(fact) { return .null }
    if fact == .none { return nil }
    if let map = entry.map { return map.first { $0.facts[entry.fact] == fact }?.value }
    if case .integer(let number) = fact { return integer(number, entry, facts) }
    if entry.isFloat, case .integer(let number) = fact { return JSONValue(Double(number)) }
    if entry.isFloat, case .number(let number) = fact { return JSONValue(number) }
    return fact.json
  }

  private func integer(_ number: Int, _ entry: FactEntry, _ facts: Facts) -> JSONValue? {
    var number = number - entry.plus
    if let with = entry.with, case .integer(let other)? = facts[with] { number += other }
    guard let over = entry.over, case .integer(let factor)? = facts[over] else {
      return JSONValue(number)
    }
    let (product, overflow) = number.multipliedReportingOverflow(by: factor)
    return overflow ? nil : JSONValue(product)
  }

  /// Whether the entry has to say something of these facts and cannot.
  func cannotSay(_ facts: Facts) -> Bool {
    guard case .cases(_, _, let otherwise) = meaning, !self.facts.isEmpty,
      value(for: facts) == nil
    else { return false }
    return otherwise.map { !$0.agree(with: facts) } ?? true
  }

  /// An object of the given entries for the given facts.
  static func object(_ entries: [ConfigEntry], _ facts: Facts) -> JSONObject {
    entries.reduce(into: JSONObject()) { object, entry in
      if let value = entry.written(for: facts) { object.set(value, at: entry.key) }
    }
  }

  /// The per-layer object of one layer, its kind where the entries put it or else last; nil where no
  /// kind stands for its facts.
  func block(for facts: Facts) -> JSONObject? {
    guard case .blocks(let select, let kinds) = meaning,
      let (name, kind) = kinds.first(where: { $0.kind.set.agree(with: facts) })
    else { return nil }
    var block = Self.object(kind.entries, facts)
    block[select] = .string(name)
    return block
  }

  /// Changes an object where facts that this entry states have changed.
  func update(_ object: inout JSONObject, from old: Facts, to new: Facts) {
    let changed = facts.contains { !(old[$0] ?? .none).means(new[$0] ?? .none) }
    if changed, let value = value(for: new) { object.set(value, at: writtenKey(object)) }
  }

  /// The key under which an object holds the value already, or else the first.
  private func writtenKey(_ object: JSONObject) -> String {
    ([key] + alternativeKeys).first { object.value(at: $0) != nil } ?? key
  }

  /// The list that says something of every layer; nil where it cannot.
  /// - Parameter predictions: the number of layers of multi-token prediction.
  func list(for layers: [Facts], predictions: Int = 0) -> JSONValue? {
    if case .sparse = meaning {
      let dense = layers.indices.filter { layers[$0]["mlp"] != .word("moe") }
      return .array(dense.map { JSONValue($0) })
    }
    if case .groups(let groups) = meaning { return list(of: groups, layers) }
    guard case .list(let words, let interval, let form) = meaning else { return nil }
    let list = Self.words(words, layers)
    switch form {
    case .interval: return interval?.smallest(list).map { JSONValue($0) }
    case .list(let prediction):
      return .array(list + (prediction.map { Array(repeating: $0, count: predictions) } ?? []))
    }
  }

  /// The nearest word of every layer.
  private static func words(_ words: [(word: JSONValue, facts: Facts)], _ layers: [Facts])
    -> [JSONValue]
  {
    layers.compactMap { facts in
      words.min { $0.facts.distance(to: facts) < $1.facts.distance(to: facts) }?.word
    }
  }

  /// The interval to write beside a list, where the layout does and the layers follow one.
  func interval(for layers: [Facts]) -> (key: String, value: JSONValue)? {
    guard case .list(let words, let interval?, .list) = meaning, interval.type != nil,
      let key = interval.key
    else { return nil }
    return interval.smallest(Self.words(words, layers)).map { (key, JSONValue($0)) }
  }

  /// One object, or a list of objects, that name the layers with the same facts; null for none, or
  /// nothing where the key is about exceptions.
  private func list(of groups: Groups, _ layers: [Facts]) -> JSONValue? {
    var order: [JSONObject] = []
    var members: [[JSONValue]] = []
    for layer in layers.indices where groups.kind.set.agree(with: layers[layer]) {
      let object = Self.object(groups.kind.entries, layers[layer])
      let place = order.firstIndex(of: object) ?? order.endIndex
      if place == order.endIndex {
        order.append(object)
        members.append([])
      }
      members[place].append(JSONValue(layer))
    }
    let list = zip(order, members).map { object, layers in
      JSONValue.object(
        JSONObject([(groups.member, .array(layers))] + object.entries.map { ($0.key, $0.value) }))
    }
    guard let first = list.first else { return groups.insteadOf == nil ? .some(.null) : .none }
    return list.count > 1 ? .array(list) : first
  }

  /// Changes a list that says something of every layer where it says something else now.
  func updateList(_ object: inout JSONObject, from old: [Facts], to new: [Facts]) {
    let after = list(for: new)
    guard list(for: old) != after, after != nil || exceptions != nil else { return }
    object[writtenKey(object)] = after
  }

  /// Changes a list of per-layer objects where the facts of a layer have changed.
  ///
  /// A layer whose kind has changed gets a new object; other objects keep unknown keys.
  func updateBlocks(_ object: inout JSONObject, from old: [Facts], to new: [Facts]) {
    guard case .blocks(_, let kinds) = meaning, case .array(var blocks)? = object[key] else {
      return
    }
    for layer in blocks.indices where layer < new.count {
      guard case .object(var block) = blocks[layer],
        let kind = kinds.first(where: { $0.kind.set.agree(with: new[layer]) })?.kind
      else { continue }
      if kind.set.agree(with: old[layer]) {
        for entry in kind.entries { entry.update(&block, from: old[layer], to: new[layer]) }
      } else if let fresh = self.block(for: new[layer]) {
        block = fresh
      }
      blocks[layer] = .object(block)
    }
    object[key] = .array(blocks)
  }
}

extension Facts {
  /// Whether every fact here has the same value there.
  func agree(with facts: Facts) -> Bool {
    allSatisfy { $1.means(facts[$0] ?? .none) }
  }

  /// The names of the facts here that have another value there.
  func disagreements(with facts: Facts) -> Set<String> {
    Set(filter { !$0.value.means(facts[$0.key] ?? .none) }.keys)
  }

  /// How far other facts are from these: another mixer first, then the number of differences.
  func distance(to facts: Facts) -> (Int, Int) {
    let names = disagreements(with: facts)
    return (names.contains("mixer") ? 1 : 0, names.count)
  }
}
