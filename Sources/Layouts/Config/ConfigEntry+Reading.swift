import Canonical
import Diagnostics
import JSON

extension ConfigEntry {
  /// The facts that an object states through this entry.
  /// - Parameter known: the facts that are known so far.
  /// - Throws: `Problem` of kind `invalid` for a missing key or a value of the wrong type,
  ///   `unsupported` for a value that the layout does not know.
  func read(from object: JSONObject, known: Facts) throws -> Facts {
    switch meaning {
    case .fact(let entry): [entry.fact: try read(entry, lookup(object), in: object, known)]
    case .cases(let cases, let absent, let otherwise):
      try read(cases, lookup(object) ?? absent, otherwise: otherwise)
    case .rival(let rival): try refuse(rival, in: object)
    case .refused(let reason): try refuse(because: reason, in: object)
    case .inert, .constant, .standard, .list, .sparse, .indices, .groups, .blocks: [:]
    case .object(let null, let set, let entries):
      try read(lookup(object) ?? .null, null: null, set: set, entries: entries, known)
    }
  }

  /// Refuses a fact of a layer that an earlier key states otherwise.
  /// - Parameter stated: the keys that state facts, by fact; this entry is added.
  func checkAgreement(
    _ values: Facts, with layer: Facts, in object: JSONObject, _ stated: inout [String: String]
  ) throws {
    guard case .fact(let entry) = meaning, let value = lookup(object), value != .null,
      let fact = values[entry.fact]
    else { return }
    if let earlier = stated[entry.fact], let other = layer[entry.fact], other != fact {
      throw Self.contradiction("\(earlier): \(other.text)", "\(key): \(fact.text)")
    }
    stated[entry.fact] = key
  }

  /// What is wrong where two keys state one fact in two ways.
  static func contradiction(_ first: String, _ second: String) -> Problem {
    Problem(
      .invalid, "two keys of the config contradict each other", expected: first, found: second,
      remedy: "keep the value that the weights were made with")
  }

  private func read(
    _ entry: FactEntry, _ value: JSONValue?, in object: JSONObject, _ known: Facts
  ) throws -> FactValue {
    if value == nil || value == .null {
      if let derived = entry.derived, entry.absent == nil || derived.base(object, known) != nil {
        return try derived.value(object, known)
      }
      if let ratio = entry.ratio { return try ratio.value(object, known) }
    }
    let fact = try difference(entry, read(entry, value), known)
    guard let times = entry.times else { return fact }
    guard case .integer(let factor)? = known[times], let number = fact.json.number,
      let product = Int(exactly: number * Double(factor))
    else {
      throw Problem(.invalid, "\(key) times \(times) is not a whole number", found: fact.text)
    }
    return .integer(product)
  }

  private func read(_ entry: FactEntry, _ value: JSONValue?) throws -> FactValue {
    guard let value else {
      if let absent = entry.absent { return absent }
      throw Problem(.invalid, "the config lacks a key", expected: key)
    }
    if value == .null, let null = entry.null { return null }
    if value == .null, entry.absent == FactValue.none { return .none }
    if entry.listed != nil { return try integers(value) }
    if let map = entry.map {
      guard let match = map.first(where: { $0.value == value }),
        let fact = match.facts[entry.fact]
      else { throw unknown(value, map) }
      return fact
    }
    let kind = entry.kind
    guard let fact = FactValue(value), kind.holds(fact) else {
      throw ConfigValue.wrongType(value, at: key, expected: kind.text)
    }
    if case .integer(let number) = fact {
      let (sum, overflow) = number.addingReportingOverflow(entry.plus)
      return .integer(overflow ? number : sum)
    }
    return fact
  }

  /// The value less another fact, or divided by one.
  private func difference(_ entry: FactEntry, _ fact: FactValue, _ known: Facts) throws
    -> FactValue
  {
    guard case .integer(var number) = fact else { return fact }
    if let with = entry.with, case .integer(let other)? = known[with] {
      number = number.subtractingReportingOverflow(other).partialValue
    }
    guard let over = entry.over else { return .integer(number) }
    guard case .integer(let divisor)? = known[over], divisor > 0, number % divisor == 0 else {
      throw Problem(.invalid, "\(key) is not a multiple of \(over)", found: "\(number)")
    }
    return .integer(number / divisor)
  }

  /// A list of integers as a word, `11,11,10`; zeros at its end do not count.
  private func integers(_ value: JSONValue) throws -> FactValue {
    let numbers = try ConfigValue.integers(value, at: key)
    let end = numbers.lastIndex { $0 != 0 }.map { $0 + 1 } ?? 0
    return .word(numbers[..<end].map(String.init).joined(separator: ","))
  }

  private func read(_ cases: [Case], _ value: JSONValue?, otherwise: Facts?) throws -> Facts {
    if let match = cases.first(where: { $0.value == value }) { return match.facts }
    if let otherwise { return otherwise }
    guard let value else { throw Problem(.invalid, "the config lacks a key", expected: key) }
    throw unknown(value, cases)
  }

  private func read(
    _ value: JSONValue, null: Facts, set: Facts, entries: [ConfigEntry], _ known: Facts
  ) throws -> Facts {
    if value == .null { return null }
    guard case .object(let object) = value else {
      throw ConfigValue.wrongType(value, at: key, expected: "an object or null")
    }
    return try entries.reduce(into: set) { facts, entry in
      facts.merge(try entry.read(from: object, known: known.merging(facts) { $1 })) { $1 }
    }
  }

  /// Refuses the key beside another one.
  private func refuse(_ rival: String, in object: JSONObject) throws -> Facts {
    let values = [key, rival].map { object.value(at: $0) ?? .null }
    guard values.contains(.null) else {
      throw Problem(
        .unsupported, "\(key) stands beside \(rival), and readers drop one of them",
        expected: "one of both", found: text(values[0]),
        remedy: "put all values into \(rival) and remove \(key)")
    }
    return [:]
  }

  /// Refuses the key, whatever its value.
  private func refuse(because reason: String, in object: JSONObject) throws -> Facts {
    for key in [key] + alternativeKeys {
      guard let value = object.value(at: key) else { continue }
      throw Problem(
        .unsupported, "\(key): \(reason)", expected: "no such key",
        found: ConfigValue.text(value, at: key))
    }
    return [:]
  }

  private func unknown(_ value: JSONValue, _ cases: [Case]) -> Problem {
    Problem(
      .unsupported, "\(key): the value is not one the layout knows",
      expected: cases.map { $0.value.text(indent: 0) }.joined(separator: ", "),
      found: value.text(indent: 0))
  }

  /// The key with a value, for a message.
  func text(_ value: JSONValue) -> String { ConfigValue.text(value, at: key) }
}

extension ConfigEntry.Derived {
  /// The number for the other values of a config.
  func value(_ object: JSONObject, _ known: Facts) throws -> FactValue {
    let base = base(object, known)
    let divisor = over.map { known[$0]?.json.number ?? 0 } ?? 1
    guard let number = base?.json.number, divisor > 0,
      let result = Int(exactly: (number * times / divisor).rounded(.towardZero))
    else {
      throw Problem(
        .invalid, "the config lacks a key and what its value would follow from",
        expected: fact ?? key)
    }
    return .integer(result)
  }

  /// What the number follows from; nil where the config does not say it.
  func base(_ object: JSONObject, _ known: Facts) -> FactValue? {
    fact.flatMap { known[$0] } ?? key.flatMap { object.value(at: $0) }.flatMap(FactValue.init)
  }
}

extension ConfigEntry.FactEntry {
  /// The kind of the value itself; one that is multiplied by a fact may have a fraction.
  fileprivate var kind: FactKind { times == nil ? FactNames.kind(of: fact) ?? .word : .number }
}

extension ConfigEntry.Ratio {
  /// The width for the hidden size of a config; null stands for the standard ratio.
  func value(_ object: JSONObject, _ known: Facts) throws -> FactValue {
    let given = object.value(at: key) == .null ? nil : try object.integer(at: key, in: 1...)
    guard case .integer(let hidden)? = known["hidden"],
      case let ratio = given ?? standard, (1...(1 << 20)).contains(hidden),
      (1...1024).contains(ratio)
    else {
      throw Problem(
        .invalid, "the hidden size or its ratio is out of range",
        expected: "a hidden size up to \(1 << 20), \(key) from 1 to 1024",
        found: "\(known["hidden"]?.text ?? "none"), \(given.map(String.init) ?? "none")")
    }
    let width = hidden * ratio * 2 / 3
    return .integer((width + multiple - 1) / multiple * multiple)
  }
}
