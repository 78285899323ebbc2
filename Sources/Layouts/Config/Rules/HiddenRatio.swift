import Canonical
import Diagnostics
import JSON

/// `ratio`: two thirds of a multiple of the hidden size, rounded up, as the width of a gated MLP is.
struct HiddenRatio: Sendable {
  let key: String
  private let standard: Int
  /// What the width is a multiple of.
  private let multiple: Int

  init(_ value: JSONValue) throws {
    var ratio = try FormatObject(value, "ratio")
    key = try ratio.string("key")
    standard = try ratio.integer("default")
    multiple = try ratio.integer("multiple")
    try ratio.finish()
    guard (1...(1 << 20)).contains(multiple) else {
      throw FormatValue.wrong(value, "a multiple from 1 to \(1 << 20)")
    }
  }

  /// The width for the hidden size of a config; null stands for the standard ratio.
  /// - Throws: `Problem` of kind `invalid` for sizes out of range.
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
