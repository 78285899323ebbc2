import Canonical
import Diagnostics
import JSON

/// `cases`, `alternatives`: each value stands for some facts.
///
/// Cases without facts guard a key: other values are refused, and the key is not written.
struct CasesRule: ConfigRule {
  static let tellingKeys = ["cases", "alternatives"]

  private let key: ConfigKey
  private let cases: [ValueCase]
  /// The value that a missing key stands for.
  private let absent: JSONValue?
  /// What any other value, or none, stands for; nil where it is refused.
  private let otherwise: Facts?
  /// Whether a list stands for its values, each of which must be a case.
  private let takesEach: Bool
  let facts: Set<String>

  init(_ object: inout FormatObject, at key: ConfigKey, _ pairs: SharedPairs) throws {
    self.key = key
    cases = try Self.cases(&object, pairs)
    absent = object.optional("absent")
    otherwise = try object.optional("otherwise", FormatValue.facts)
    takesEach = try object.flag("each")
    facts = Set(cases.flatMap(\.facts.keys)).union((otherwise ?? [:]).keys)
  }

  private static func cases(_ object: inout FormatObject, _ pairs: SharedPairs) throws
    -> [ValueCase]
  {
    let cases = try object.list("cases", ValueCase.init)
    return try object.optional("alternatives") { value in
      let name = try FormatValue.string(value)
      guard let shared = pairs.alternatives[name] else {
        throw Problem(.invalid, "a layout file names unknown alternatives", found: name)
      }
      return try shared.map { try ValueCase(.array($0)) }
    } ?? cases
  }

  var weight: KeyWeight { facts.isEmpty ? .standard : .deciding }

  func read(from object: JSONObject, known facts: Facts) throws -> Facts {
    let value = key.value(in: object) ?? absent
    if takesEach, case .array(let list)? = value {
      guard let strange = list.first(where: { value in !cases.contains { $0.value == value } })
      else { return [:] }
      throw ValueCase.unknown(strange, at: key, of: cases)
    }
    if let match = cases.first(where: { $0.value == value }) { return match.facts }
    if let otherwise { return otherwise }
    guard let value else { throw ConfigValue.missing(key.path) }
    throw ValueCase.unknown(value, at: key, of: cases)
  }

  func value(for facts: Facts) -> JSONValue? {
    self.facts.isEmpty ? nil : cases.first { $0.facts.agree(with: facts) }?.value
  }

  func cannotSay(_ facts: Facts) -> Bool {
    guard !self.facts.isEmpty, value(for: facts) == nil else { return false }
    return otherwise.map { !$0.agree(with: facts) } ?? true
  }
}

/// One value of a key and the facts it stands for.
struct ValueCase: Sendable {
  let value: JSONValue
  let facts: Facts

  init(value: JSONValue, facts: Facts) { (self.value, self.facts) = (value, facts) }

  /// Reads `[value, facts]`.
  init(_ pair: JSONValue) throws {
    let fields = try FormatValue.array(pair)
    guard fields.count == 2 else { throw FormatValue.wrong(pair, "[value, facts]") }
    value = fields[0]
    facts = try locating(.place("[1]")) { try FormatValue.facts(fields[1]) }
  }

  /// The refusal of a value that is none of some cases.
  static func unknown(_ value: JSONValue, at key: ConfigKey, of cases: [ValueCase]) -> Problem {
    Problem(
      .unsupported, "\(key.path): the value is not one the layout knows",
      expected: cases.map { $0.value.text(indent: 0) }.joined(separator: ", "),
      found: value.text(indent: 0))
  }
}
