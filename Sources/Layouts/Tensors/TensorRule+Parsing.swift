import Canonical
import Diagnostics
import JSON
import Tensors

extension TensorRule {
  /// Reads a rule; nil where the form on disk does not have it.
  init?(_ value: JSONValue, tables: [String: [Int]], form: LayoutForm) throws {
    var object = try FormatObject(value, "a tensor rule")
    let tags = try object.strings("in")
    name = try NameTemplate(object.string("name"))
    pieces = try object.strings("pieces").map(NameTemplate.init)
    condition = try object.condition()
    steps = try object.array("ops").map { try LayoutStep($0, tables: tables) }
    storedType = try StoredType(object.optionalString("dtype"))
    opaque = try object.optional("opaque").map { try FormatValue.array($0).map(FormatValue.size) }
    if opaque != nil {
      (axis, groups, parts) = (0, nil, [])
    } else if let role = try object.optionalString("is") {
      axis = 0
      groups = nil
      parts = [try Part(role: role, size: nil, condition: .always, steps: []).checked()]
    } else {
      var weave = try FormatObject(object.required("weave"), "weave")
      axis = try weave.integer("axis")
      groups = try FormatValue.size(weave.optional("groups") ?? .integer(1))
      parts = try weave.array("parts").map { try Part($0, tables: tables) }
      try weave.finish()
    }
    try object.finish()
    if opaque == nil { try checkScopes() }
    guard tags.isEmpty || !form.tags.isDisjoint(with: tags) else { return nil }
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
    role = try FormatValue.string(fields[0])
    size = try FormatValue.size(fields[1])
    var options = try FormatObject(
      fields.count == 3 ? fields[2] : .object(JSONObject()), "a part")
    condition = try options.condition()
    steps = try options.array("ops").map { try LayoutStep($0, tables: tables) }
    try options.finish()
    _ = try checked()
  }

  func checked() throws -> TensorRule.Part {
    guard RoleTable.shape(role) != nil else {
      throw Problem(.invalid, "a layout file names an unknown role", found: role)
    }
    return self
  }
}

extension TensorRule.StoredType {
  init(_ text: String?) throws {
    switch text {
    case nil, "keep": self = .keep
    case "wide": self = .wide
    case let name?:
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
  init(_ value: JSONValue, tables: [String: [Int]]) throws {
    let fields = try FormatValue.array(value)
    let name = try FormatValue.string(fields.first ?? .null)
    func integers(_ index: Int) throws -> [Int] {
      try FormatValue.array(fields[index]).map(FormatValue.integer)
    }
    switch (name, fields.count) {
    case ("stack", 2): self = .stack(axis: try FormatValue.integer(fields[1]))
    case ("unit", 2): self = .unit(axis: try FormatValue.integer(fields[1]))
    case ("transpose", 2): self = .transpose(order: try Self.permutation(integers(1), value))
    case ("reorder", 4):
      let factors = try FormatValue.array(fields[2]).map(FormatValue.size)
      let order = try Self.permutation(integers(3), value)
      guard factors.count == order.count else {
        throw FormatValue.wrong(value, "as many factors as places")
      }
      self = .reorder(axis: try FormatValue.integer(fields[1]), factors: factors, order: order)
    case ("take", 3):
      guard let table = tables[try FormatValue.string(fields[2])] else {
        throw FormatValue.wrong(value, "the name of a table")
      }
      self = .take(axis: try FormatValue.integer(fields[1]), table: table)
    case ("shift", 2):
      guard let constant = fields[1].number else { throw FormatValue.wrong(value, "a number") }
      self = .value(.shift(Float(constant)))
    case ("negexp", 1): self = .value(.negexp)
    default:
      throw FormatValue.wrong(
        value, "stack, unit, transpose, reorder, take, shift or negexp with its arguments")
    }
  }

  private static func permutation(_ order: [Int], _ value: JSONValue) throws -> [Int] {
    guard order.sorted() == Array(order.indices) else {
      throw FormatValue.wrong(value, "a permutation")
    }
    return order
  }
}
