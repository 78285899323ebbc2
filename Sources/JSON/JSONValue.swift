/// A JSON document as a value: members keep their order and numbers their source text.
///
/// Two values are equal when they would be written the same way: the order of members counts, and
/// `1e1` is not `10.0`.
public enum JSONValue: Hashable, Sendable {
  /// The word `null`.
  case null
  /// The words `true` and `false`.
  case bool(Bool)
  /// A number without fraction and exponent that fits a signed 64-bit integer.
  case integer(Int64)
  /// A number without fraction and exponent above the largest signed 64-bit integer.
  case unsigned(UInt64)
  /// Any other number (also `-0`), with the text by which it is written.
  case double(Double, text: String)
  /// A number that JSON does not have and Python writes all the same.
  case notFinite(JSONDialect.NotFinite)
  /// A string; it may hold U+0000.
  case string(String)
  /// An array.
  case array([JSONValue])
  /// An object.
  case object(JSONObject)

  /// A number from Swift, written as Python writes it (`0.1`, `1e-05`, `10000.0`).
  ///
  /// JSON has no infinities and no NaN; they become `null`.
  public init(_ number: Double) {
    self = number.isFinite ? .double(number, text: JSONNumberText.shortest(number)) : .null
  }

  /// An integer from Swift.
  public init(_ number: Int) { self = .integer(Int64(number)) }

  /// A string from Swift.
  public init(_ text: String) { self = .string(text) }
}

enum JSONNumberText {
  /// The shortest decimal that reads back as the same number, laid out like Python's `repr`.
  static func shortest(_ number: Double) -> String {
    let text = number.description
    guard number.magnitude >= 1e16, text.hasSuffix(".0") else { return text }
    // Swift changes to exponents at 2^54, Python at 10^16.
    var digits = Array(number.magnitude.description.dropLast(2))
    let exponent = digits.count - 1
    while digits.count > 1, digits.last == "0" { digits.removeLast() }
    let fraction = digits.count > 1 ? "." + String(digits.dropFirst()) : ""
    return (number < 0 ? "-" : "") + String(digits[0]) + fraction + "e+\(exponent)"
  }
}
