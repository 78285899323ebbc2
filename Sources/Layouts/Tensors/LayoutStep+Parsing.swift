import Canonical
import Diagnostics
import JSON

extension LayoutStep {
  /// The steps of a rule or a part, in order.
  static func list(_ object: inout FormatObject, _ tables: [String: [Int]]) throws -> [LayoutStep] {
    let steps = try object.list("ops") { try LayoutStep($0, tables: tables) }
    try FormatLimits.check(steps.count, .steps, at: "ops")
    return steps
  }

  /// The number of an axis.
  static func axis(_ value: JSONValue) throws -> Int {
    let axis = try FormatValue.integer(value)
    guard (0..<FormatLimits.steps.rawValue).contains(axis) else {
      throw FormatValue.wrong(value, "an axis, counted from 0")
    }
    return axis
  }

  init(_ value: JSONValue, tables: [String: [Int]]) throws {
    let fields = try FormatValue.array(value)
    let name = try FormatValue.string(fields.first ?? .null)
    func integers(_ index: Int) throws -> [Int] {
      try FormatValue.list(fields[index], FormatValue.integer)
    }
    switch (name, fields.count) {
    case ("stack", 2): self = .stack(axis: try Self.axis(fields[1]))
    case ("unit", 2): self = .unit(axis: try Self.axis(fields[1]))
    case ("transpose", 2): self = .transpose(order: try Self.permutation(integers(1), value))
    case ("reorder", 4):
      let factors = try Self.factors(fields[2])
      let order = try Self.permutation(integers(3), value)
      guard factors.count == order.count else {
        throw FormatValue.wrong(value, "as many factors as places")
      }
      self = .reorder(axis: try Self.axis(fields[1]), factors: factors, order: order)
    case ("take", 3):
      guard let table = tables[try FormatValue.string(fields[2])] else {
        throw FormatValue.wrong(value, "the name of a table")
      }
      self = .take(axis: try Self.axis(fields[1]), table: table)
    case ("split", 3):
      self = .split(axis: try Self.axis(fields[1]), factors: try Self.factors(fields[2]))
    case ("join", 3):
      let count = try FormatValue.integer(fields[2])
      guard (2...FormatLimits.steps.rawValue).contains(count) else {
        throw FormatValue.wrong(value, "at least two axes that become one")
      }
      self = .join(axis: try Self.axis(fields[1]), count: count)
    case ("shift", 2):
      guard let constant = fields[1].number else { throw FormatValue.wrong(value, "a number") }
      self = .value(.shift(Float(constant)))
    case ("negexp", 1): self = .value(.negexp)
    case ("exp", 1): self = .value(.exp)
    default:
      throw FormatValue.wrong(
        value,
        Self.names.dropLast().joined(separator: ", ")
          + " or \(Self.names.last ?? "") with its arguments")
    }
  }

  /// The names of all steps.
  static let names = [
    "stack", "reorder", "split", "join", "transpose", "unit", "take", "shift", "negexp", "exp",
  ]

  private static func factors(_ value: JSONValue) throws -> [SizeExpression] {
    let factors = try FormatValue.list(value, FormatValue.size)
    try FormatLimits.check(factors.count, .steps)
    guard !factors.isEmpty else { throw FormatValue.wrong(value, "at least one factor") }
    return factors
  }

  /// The sizes that the step names.
  var sizes: [SizeExpression] {
    switch self {
    case .reorder(_, let factors, _), .split(_, let factors): factors
    default: []
    }
  }

  private static func permutation(_ order: [Int], _ value: JSONValue) throws -> [Int] {
    guard order.sorted() == Array(order.indices) else {
      throw FormatValue.wrong(value, "a permutation")
    }
    return order
  }
}
