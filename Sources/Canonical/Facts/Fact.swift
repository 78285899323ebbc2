import Diagnostics

/// One named fact of a configuration type and the property that holds it.
///
/// The list of a type's facts is the only place where a name and a property meet, so that reading
/// and writing cannot disagree.
public struct Fact<Root>: Sendable {
  /// The name that layout files use, and the values that they can give.
  public let description: FactDescription
  let get: @Sendable (Root) -> FactValue
  /// Stores a value; false where the value has the wrong type.
  let set: @Sendable (inout Root, FactValue) -> Bool
  /// The value that counts for what is computed, defaults resolved; nil where the fact decides nothing.
  let meaning: @Sendable (Root, Surroundings) -> FactValue?

  /// The name that layout files use, such as `gdn.k_heads`.
  public var name: String { description.name }

  private init(
    _ description: FactDescription, get: @escaping @Sendable (Root) -> FactValue,
    set: @escaping @Sendable (inout Root, FactValue) -> Bool,
    meaning: (@Sendable (Root, Surroundings) -> FactValue?)? = nil
  ) {
    (self.description, self.get, self.set) = (description, get, set)
    self.meaning = meaning ?? { root, _ in get(root) }
  }

  /// The fact where something else than its value counts.
  func meaning(_ meaning: @escaping @Sendable (Root, Surroundings) -> FactValue?) -> Fact {
    Fact(description, get: get, set: set, meaning: meaning)
  }

  /// The fact where it decides what is computed under a condition.
  func meaning(where condition: @escaping @Sendable (Root) -> Bool) -> Fact {
    meaning { [get] root, _ in condition(root) ? get(root) : nil }
  }

  /// The fact where it decides nothing that is computed.
  var withoutMeaning: Fact { meaning { _, _ in nil } }

  /// A fact that follows from others, for layouts to write; setting it does nothing.
  static func derived(
    _ name: String, _ kind: FactKind, _ get: @escaping @Sendable (Root) -> FactValue
  ) -> Fact {
    Fact(FactDescription(name, kind, isDerived: true), get: get) { _, _ in true }.withoutMeaning
  }

  /// The same where the value is one of some words.
  static func derived<Word: RawRepresentable<String> & CaseIterable & SendableMetatype>(
    _ name: String, _ get: @escaping @Sendable (Root) -> Word
  ) -> Fact {
    Fact(FactDescription(name, words: Word.self, isDerived: true)) {
      .word(get($0).rawValue)
    } set: { _, _ in
      true
    }.withoutMeaning
  }

  static func integer(_ name: String, _ path: WritableKeyPath<Root, Int> & Sendable) -> Fact {
    Fact(FactDescription(name, .integer)) {
      .integer($0[keyPath: path])
    } set: {
      guard let value = $1.asInteger else { return false }
      $0[keyPath: path] = value
      return true
    }
  }

  static func integer(_ name: String, _ path: WritableKeyPath<Root, Int?> & Sendable) -> Fact {
    Fact(FactDescription(name, .integer, isOptional: true)) {
      $0[keyPath: path].map(FactValue.integer) ?? .none
    } set: {
      $0[keyPath: path] = $1.asInteger
      return $1.asInteger != nil || $1 == .none
    }
  }

  static func number(_ name: String, _ path: WritableKeyPath<Root, Double> & Sendable) -> Fact {
    Fact(FactDescription(name, .number)) {
      .number($0[keyPath: path])
    } set: {
      guard let value = $1.asNumber else { return false }
      $0[keyPath: path] = value
      return true
    }
  }

  static func number(_ name: String, _ path: WritableKeyPath<Root, Double?> & Sendable) -> Fact {
    Fact(FactDescription(name, .number, isOptional: true)) {
      $0[keyPath: path].map(FactValue.number) ?? .none
    } set: {
      $0[keyPath: path] = $1.asNumber
      return $1.asNumber != nil || $1 == .none
    }
  }

  static func flag(_ name: String, _ path: WritableKeyPath<Root, Bool> & Sendable) -> Fact {
    Fact(FactDescription(name, .flag)) {
      .flag($0[keyPath: path])
    } set: {
      guard case .flag(let value) = $1 else { return false }
      $0[keyPath: path] = value
      return true
    }
  }

  static func text(_ name: String, _ path: WritableKeyPath<Root, String?> & Sendable) -> Fact {
    Fact(FactDescription(name, .word, isOptional: true)) {
      $0[keyPath: path].map(FactValue.word) ?? .none
    } set: {
      $0[keyPath: path] = $1.asWord
      return $1.asWord != nil || $1 == .none
    }
  }

  static func word<Word: RawRepresentable<String> & CaseIterable & SendableMetatype>(
    _ name: String, _ path: WritableKeyPath<Root, Word> & Sendable
  ) -> Fact {
    Fact(FactDescription(name, words: Word.self)) {
      .word($0[keyPath: path].rawValue)
    } set: {
      guard let value = $1.asWord.flatMap(Word.init(rawValue:)) else { return false }
      $0[keyPath: path] = value
      return true
    }
  }

  static func word<Word: RawRepresentable<String> & CaseIterable & SendableMetatype>(
    _ name: String, _ path: WritableKeyPath<Root, Word?> & Sendable
  ) -> Fact {
    Fact(FactDescription(name, words: Word.self, isOptional: true)) {
      $0[keyPath: path].map { .word($0.rawValue) } ?? .none
    } set: {
      $0[keyPath: path] = $1.asWord.flatMap(Word.init(rawValue:))
      return $0[keyPath: path] != nil || $1 == .none
    }
  }
}

extension FactValue {
  var asInteger: Int? {
    if case .integer(let value) = self { return value }
    return nil
  }

  var asNumber: Double? {
    switch self {
    case .number(let value): value
    case .integer(let value): Double(value)
    default: nil
    }
  }

  var asWord: String? {
    if case .word(let value) = self { return value }
    return nil
  }
}

/// A part of the configuration whose properties are named facts.
public protocol FactRecord: Hashable, Sendable {
  /// The facts, in the order in which reports list them.
  static var facts: [Fact<Self>] { get }
  /// The record before any fact is known.
  init()
}

extension FactRecord {
  /// Builds a record from facts; facts of other records are ignored, absent ones keep their default.
  /// - Throws: `Problem` of kind `invalid` for a value of the wrong type.
  public init(_ facts: Facts) throws {
    self.init()
    for fact in Self.facts {
      guard let value = facts[fact.name] else { continue }
      guard fact.set(&self, value) else {
        throw Problem(
          .invalid, "the config gives \(fact.name) a value it cannot have", found: value.text)
      }
    }
  }

  /// The facts that decide what is computed, defaults resolved.
  func meaning(in model: Surroundings) -> Facts {
    Dictionary(
      uniqueKeysWithValues: Self.facts.compactMap { fact in
        fact.meaning(self, model).map { (fact.name, $0) }
      })
  }

  /// Every fact of this record with its value.
  public var values: Facts {
    Dictionary(uniqueKeysWithValues: Self.facts.map { ($0.name, $0.get(self)) })
  }
}
