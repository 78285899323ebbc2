import Canonical
import JSON

/// What the value of a config key says, in both directions.
///
/// There is one type per kind of rule. Its file holds everything about the kind: how a layout file
/// states it, how a value is read, how it is written, and what it cannot say. `ConfigEntry` lists the
/// kinds; a new one is a file and a line there.
protocol ConfigRule: Sendable {
  /// The keys of a layout file that tell the kind, where one of them is there.
  static var tellingKeys: [String] { get }

  /// Reads the rule from what a layout file says of a key.
  /// - Throws: `Problem` of kind `invalid` for anything the file should not say.
  init(_ object: inout FormatObject, at key: ConfigKey, _ pairs: SharedPairs) throws

  /// The names of the facts that the rule reads, those of nested keys among them.
  var facts: Set<String> { get }

  /// The fact whose value the key has; nil for a rule of another kind.
  var statedFact: String? { get }

  /// How much the value decides.
  var weight: KeyWeight { get }

  /// Whether the value is written from the facts that it is read as.
  var isReadAsWritten: Bool { get }

  /// Keys beside its own from which the value follows.
  var helperKeys: [String] { get }

  /// The facts that an object states by the value.
  /// - Parameter facts: those that are known so far.
  func read(from object: JSONObject, known facts: Facts) throws -> Facts

  /// The value for given facts; nil where none stands for them.
  func value(for facts: Facts) -> JSONValue?

  /// Whether the rule has to say something of given facts and cannot.
  func cannotSay(_ facts: Facts) -> Bool
}

extension ConfigRule {
  var facts: Set<String> { [] }
  var statedFact: String? { nil }
  var weight: KeyWeight { .deciding }
  var isReadAsWritten: Bool { true }
  var helperKeys: [String] { [] }
  func read(from object: JSONObject, known facts: Facts) throws -> Facts { [:] }
  func value(for facts: Facts) -> JSONValue? { nil }
  func cannotSay(_ facts: Facts) -> Bool { false }
}

/// How much the value of a key decides.
enum KeyWeight: Hashable, Sendable {
  /// It states facts, or belongs to the layout alone.
  case deciding
  /// Nothing, but readers of the layout know the key; what another config says there is kept.
  case standard
  /// Nothing that is computed, for this reason.
  case inert(String)
  /// The key must not be there.
  case refused

  /// Whether the key says nothing of a model, so that it travels like one that nobody knows.
  var isInert: Bool {
    switch self {
    case .inert, .refused: true
    case .deciding, .standard: false
    }
  }
}
