import Diagnostics

/// One named fact of a configuration type and the property that holds it.
///
/// The list of a type's facts is the only place where a name and a property meet, so that reading
/// and writing cannot disagree.
public struct Fact<Root>: Sendable {
  /// The name that layout files use, such as `gdn.k_heads`.
  public let name: String
  let kind: FactKind
  let get: @Sendable (Root) -> FactValue
  /// Stores a value; false where the value has the wrong type.
  let set: @Sendable (inout Root, FactValue) -> Bool

  /// A fact that follows from others; setting it does nothing.
  static func derived(
    _ name: String, _ kind: FactKind, _ get: @escaping @Sendable (Root) -> FactValue
  ) -> Fact {
    Fact(name: name, kind: kind, get: get) { _, _ in true }
  }

  static func integer(_ name: String, _ path: WritableKeyPath<Root, Int> & Sendable) -> Fact {
    Fact(name: name, kind: .integer) {
      .integer($0[keyPath: path])
    } set: {
      guard let value = $1.asInteger else { return false }
      $0[keyPath: path] = value
      return true
    }
  }

  static func integer(_ name: String, _ path: WritableKeyPath<Root, Int?> & Sendable) -> Fact {
    Fact(name: name, kind: .integer) {
      $0[keyPath: path].map(FactValue.integer) ?? .none
    } set: {
      $0[keyPath: path] = $1.asInteger
      return $1.asInteger != nil || $1 == .none
    }
  }

  static func number(_ name: String, _ path: WritableKeyPath<Root, Double> & Sendable) -> Fact {
    Fact(name: name, kind: .number) {
      .number($0[keyPath: path])
    } set: {
      guard let value = $1.asNumber else { return false }
      $0[keyPath: path] = value
      return true
    }
  }

  static func number(_ name: String, _ path: WritableKeyPath<Root, Double?> & Sendable) -> Fact {
    Fact(name: name, kind: .number) {
      $0[keyPath: path].map(FactValue.number) ?? .none
    } set: {
      $0[keyPath: path] = $1.asNumber
      return $1.asNumber != nil || $1 == .none
    }
  }

  static func flag(_ name: String, _ path: WritableKeyPath<Root, Bool> & Sendable) -> Fact {
    Fact(name: name, kind: .flag) {
      .flag($0[keyPath: path])
    } set: {
      guard case .flag(let value) = $1 else { return false }
      $0[keyPath: path] = value
      return true
    }
  }

  static func text(_ name: String, _ path: WritableKeyPath<Root, String?> & Sendable) -> Fact {
    Fact(name: name, kind: .word) {
      $0[keyPath: path].map(FactValue.word) ?? .none
    } set: {
      $0[keyPath: path] = $1.asWord
      return $1.asWord != nil || $1 == .none
    }
  }

  static func word<Word: RawRepresentable<String> & SendableMetatype>(
    _ name: String, _ path: WritableKeyPath<Root, Word> & Sendable
  ) -> Fact {
    Fact(name: name, kind: .word) {
      .word($0[keyPath: path].rawValue)
    } set: {
      guard let value = $1.asWord.flatMap(Word.init(rawValue:)) else { return false }
      $0[keyPath: path] = value
      return true
    }
  }

  static func word<Word: RawRepresentable<String> & SendableMetatype>(
    _ name: String, _ path: WritableKeyPath<Root, Word?> & Sendable
  ) -> Fact {
    Fact(name: name, kind: .word) {
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

  /// Every fact of this record with its value.
  public var values: Facts {
    Dictionary(uniqueKeysWithValues: Self.facts.map { ($0.name, $0.get(self)) })
  }
}
