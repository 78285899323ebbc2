import Canonical
import Diagnostics
import JSON

/// `plus`, `with`, `over`, `times`: how the number in a config differs from that of the fact.
struct FactArithmetic: Sendable {
  private let key: ConfigKey
  /// What is added to an integer on reading.
  private let plus: Int
  /// The fact by which the value is multiplied on reading.
  private let times: String?
  /// The fact by which the value is divided on reading.
  private let over: String?
  /// The fact that is subtracted from the value on reading.
  private let with: String?
  /// How many the value counts for each that the fact counts.
  private let each: Int

  init(_ object: inout FormatObject, at key: ConfigKey) throws {
    self.key = key
    plus = object.optional("plus") == nil ? 0 : try object.integer("plus")
    guard (-(1 << 20)...(1 << 20)).contains(plus) else {
      throw FormatValue.wrong(JSONValue(plus), "a small number").located(.place("plus"))
    }
    each = object.optional("each") == nil ? 1 : try object.integer("each")
    guard (1...16).contains(each) else {
      throw FormatValue.wrong(JSONValue(each), "a number from 1 to 16").located(.place("each"))
    }
    times = try object.optional("times", FormatValue.fact(file:))
    over = try object.optional("over", FormatValue.fact(file:))
    with = try object.optional("with", FormatValue.fact(file:))
  }

  /// The facts that the value says something of beside its own.
  var facts: [String] { [with, over].compactMap(\.self) }

  /// Whether the value is multiplied.
  var multiplies: Bool { times != nil }

  // MARK: Reading

  /// A value that is stated, with the constant added.
  func added(_ value: FactValue) -> FactValue {
    guard case .integer(let number) = value else { return value }
    let (sum, overflow) = number.addingReportingOverflow(plus)
    return .integer(overflow ? number : sum)
  }

  /// The fact that a value gives: the value minus the fact of `with`, divided by that of `over`, multiplied
  /// by that of `times`.
  func fact(_ value: FactValue, known: Facts) throws -> FactValue {
    let value = try quotient(counted(less(value, known)), known: known)
    guard let times else { return value }
    guard case .integer(let factor)? = known[times], let number = value.json.number,
      let product = Int(exactly: number * Double(factor))
    else {
      throw Problem(.invalid, "\(key.path) times \(times) is not a whole number", found: value.text)
    }
    return .integer(product)
  }

  private func counted(_ value: FactValue) throws -> FactValue {
    guard each > 1, case .integer(let number) = value else { return value }
    guard number % each == 0 else {
      throw Problem(.invalid, "\(key.path) is not a multiple of \(each)", found: "\(number)")
    }
    return .integer(number / each)
  }

  private func less(_ value: FactValue, _ known: Facts) -> FactValue {
    guard case .integer(let number) = value, let with, case .integer(let other)? = known[with]
    else { return value }
    return .integer(number.subtractingReportingOverflow(other).partialValue)
  }

  private func quotient(_ value: FactValue, known: Facts) throws -> FactValue {
    guard case .integer(let number) = value, let over else { return value }
    guard case .integer(let divisor)? = known[over], divisor > 0, number % divisor == 0 else {
      throw Problem(.invalid, "\(key.path) is not a multiple of \(over)", found: "\(number)")
    }
    return .integer(number / divisor)
  }

  // MARK: Writing

  /// A fact that reading makes by multiplying, and by what; nil for one that it does not.
  func product(_ fact: FactValue, _ facts: Facts) -> (value: Int, factor: Int)? {
    guard let times, case .integer(let product) = fact, case .integer(let factor)? = facts[times],
      factor > 0
    else { return nil }
    return (product, factor)
  }

  /// The value for an integer; nil where it does not fit 64 bits.
  func value(_ number: Int, _ facts: Facts) -> JSONValue? {
    var number = number.subtractingReportingOverflow(plus).partialValue
    if let with, case .integer(let other)? = facts[with] {
      number = number.addingReportingOverflow(other).partialValue
    }
    let (count, isTooLarge) = number.multipliedReportingOverflow(by: each)
    if isTooLarge { return nil }
    number = count
    guard let over, case .integer(let factor)? = facts[over] else { return JSONValue(number) }
    let (product, overflow) = number.multipliedReportingOverflow(by: factor)
    return overflow ? nil : JSONValue(product)
  }
}
