import Canonical
import Diagnostics
import JSON
import Tensors

extension TensorRule {
  /// Reads a rule; nil where the form on disk does not have it.
  init?(_ value: JSONValue, tables: [String: [Int]], form: LayoutForm) throws {
    var object = try FormatObject(value, "a tensor rule")
    let tags = try object.strings("in")
    name = try object.required("name", NameTemplate.init(file:))
    pieces = try object.list("pieces", NameTemplate.init(file:))
    condition = try object.condition()
    steps = try LayoutStep.list(&object, tables)
    storedType = try object.optional("dtype", StoredType.init(file:)) ?? .keep
    opaque = try object.optional("opaque") { try FormatValue.list($0, FormatValue.size) }
    if opaque != nil {
      (axis, groups, parts) = (0, nil, [])
    } else if let part = try object.optional("is", Part.init(whole:)) {
      (axis, groups, parts) = (0, nil, [part])
    } else {
      (axis, groups, parts) = try object.required("weave") { try Self.weave($0, tables) }
    }
    try object.finish()
    if opaque == nil { try checkScopes() }
    guard tags.isEmpty || !form.tags.isDisjoint(with: tags) else { return nil }
  }

  private static func weave(_ value: JSONValue, _ tables: [String: [Int]]) throws -> (
    axis: Int, groups: SizeExpression?, parts: [Part]
  ) {
    var weave = try FormatObject(value, "weave")
    let axis = try weave.required("axis", LayoutStep.axis)
    let groups = try weave.optional("groups", FormatValue.size) ?? FormatValue.size(.integer(1))
    let parts = try weave.list("parts") { try Part($0, tables: tables) }
    try weave.finish()
    guard !parts.isEmpty else { throw FormatValue.wrong(value, "at least one part") }
    return (axis, groups, parts)
  }

  /// All sizes that the rule names.
  var sizes: [SizeExpression] {
    (opaque ?? []) + [groups].compactMap(\.self) + parts.compactMap(\.size)
      + (parts.flatMap(\.steps) + steps).flatMap(\.sizes)
  }

  /// Parts of one tensor must belong to the same model, layer or expert, and the name must say which.
  private func checkScopes() throws {
    let scopes = Set(parts.compactMap { RoleTable.scope($0.role) })
    let wanted: RoleKind.Scope =
      name.usesExpert || isStacked ? .expert : name.usesLayer ? .layer : .model
    guard scopes == [wanted] else {
      throw Problem(
        .invalid, "a name of a layout file does not fit the scope of its parts",
        expected: "parts of one \(wanted)", found: name.text)
    }
  }
}

extension TensorRule.Part {
  init(_ value: JSONValue, tables: [String: [Int]]) throws {
    let fields = try FormatValue.array(value)
    guard fields.count == 2 || fields.count == 3 else {
      throw FormatValue.wrong(value, "[role, size] or [role, size, {when, ops}]")
    }
    role = try locating(.place("[0]")) { try Self.role(fields[0]) }
    size = try locating(.place("[1]")) { try FormatValue.size(fields[1]) }
    (condition, steps) = try locating(.place("[2]")) {
      var options = try FormatObject(
        fields.count == 3 ? fields[2] : .object(JSONObject()), "a part")
      let condition = try options.condition()
      let steps = try LayoutStep.list(&options, tables)
      try options.finish()
      return (condition, steps)
    }
  }

  /// The part that is all of a tensor.
  init(whole value: JSONValue) throws {
    (role, size, condition, steps) = (try Self.role(value), nil, .always, [])
  }

  private static func role(_ value: JSONValue) throws -> String {
    let role = try FormatValue.string(value)
    guard RoleTable.shape(role) != nil else {
      throw Problem(.invalid, "a layout file names an unknown role", found: role)
    }
    return role
  }
}

extension TensorRule.StoredType {
  init(file value: JSONValue) throws {
    switch try FormatValue.string(value) {
    case "keep": self = .keep
    case "wide": self = .wide
    case let name:
      guard let type = ScalarType(rawValue: name) else {
        throw Problem(
          .invalid, "a layout file names an unknown type", expected: "keep, wide or a dtype",
          found: name)
      }
      self = .always(type)
    }
  }
}

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
    default:
      throw FormatValue.wrong(
        value,
        Self.names.dropLast().joined(separator: ", ")
          + " or \(Self.names.last ?? "") with its arguments")
    }
  }

  /// The names of all steps.
  static let names = [
    "stack", "reorder", "split", "join", "transpose", "unit", "take", "shift", "negexp",
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
