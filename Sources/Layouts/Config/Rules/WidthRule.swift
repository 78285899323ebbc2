import Canonical
import JSON

/// `width_of`: a key that readers take for one width or another, so that the tensor decides which it is.
///
/// The value, or the value `times` another key, may be the rows of the tensor; no other number is believed.
struct WidthRule: ConfigRule {
  static let tellingKeys = ["width_of"]

  let weight: KeyWeight
  /// The role whose rows are meant.
  let role: String
  /// The fact that counts them.
  let fact: String
  private let key: ConfigKey
  /// The fact that is written, by which the other readings agree.
  private let written: String
  private let factors: [String]

  init(_ object: inout FormatObject, at key: ConfigKey, _ pairs: SharedPairs) throws {
    self.key = key
    role = try object.string("width_of")
    fact = try object.required("states", FormatValue.fact(file:))
    factors = try object.strings("times")
    written = try object.required("written", FormatValue.fact(file:))
    weight = .inert(try object.string("because"))
  }

  var facts: Set<String> { [fact, written] }
  var isReadAsWritten: Bool { false }

  func value(for facts: Facts) -> JSONValue? {
    guard case .integer(let width)? = facts[fact], width > 0 else { return nil }
    return facts[written]?.json
  }

  /// The numbers that a config lets the rows be.
  func widths(in object: JSONObject) -> [Int] {
    guard let width = key.given(in: object)?.int, width > 0 else { return [] }
    let factor = factors.lazy.compactMap { object.value(at: $0)?.int }.first ?? 1
    let (product, overflow) = width.multipliedReportingOverflow(by: factor)
    return overflow ? [width] : [width, product]
  }
}
