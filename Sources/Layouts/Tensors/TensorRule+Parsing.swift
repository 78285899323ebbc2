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
    pieceCount = try object.optional("count", FormatValue.size)
    isSingle = try object.flag("single")
    condition = try object.condition()
    steps = try LayoutStep.list(&object, tables)
    storedType = try object.optional("dtype", StoredType.init(file:)) ?? .keep
    opaque = try object.optional("opaque") { try FormatValue.list($0, FormatValue.size) }
    if opaque != nil {
      (axis, groups, parts) = (0, nil, [])
    } else if let part = try object.optional("is", PartRule.init(whole:)) {
      (axis, groups, parts) = (0, nil, [part])
    } else {
      (axis, groups, parts) = try object.required("weave") { try Self.weave($0, tables) }
    }
    try object.finish()
    if opaque == nil { try checkScopes() }
    guard tags.isEmpty || !form.tags.isDisjoint(with: tags) else { return nil }
  }

  private static func weave(_ value: JSONValue, _ tables: [String: [Int]]) throws -> (
    axis: Int, groups: SizeExpression?, parts: [PartRule]
  ) {
    var weave = try FormatObject(value, "weave")
    let axis = try weave.required("axis", LayoutStep.axis)
    let groups = try weave.optional("groups", FormatValue.size) ?? FormatValue.size(.integer(1))
    let parts = try weave.list("parts") { try PartRule($0, tables: tables) }
    try weave.finish()
    guard !parts.isEmpty else { throw FormatValue.wrong(value, "at least one part") }
    return (axis, groups, parts)
  }

  /// All sizes that the rule names.
  var sizes: [SizeExpression] {
    (opaque ?? []) + [groups, pieceCount].compactMap(\.self) + parts.compactMap(\.size)
      + (parts.flatMap(\.steps) + steps).flatMap(\.sizes)
  }

  /// Parts of one tensor must belong to the same model, layer or expert, and the name must say which.
  private func checkScopes() throws {
    let scopes = Set(parts.compactMap { RoleTable.scope($0.role) })
    let wanted: RoleKind.Scope =
      name.usesExpert || isStacked ? .expert : name.usesLayer || isSingle ? .layer : .model
    guard scopes == [wanted], (pieceCount != nil) == name.usesPiece else {
      throw Problem(
        .invalid, "a name of a layout file does not fit the scope of its parts",
        expected: "parts of one \(wanted)", found: name.text)
    }
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
