import Canonical
import Diagnostics
import JSON
import Tensors

extension Layout {
  /// Reads a layout file.
  /// - Throws: `Problem` of kind `invalid` for anything the file should not say, unknown keys among
  ///   it.
  public init(parsing bytes: [UInt8]) throws {
    var file = try FormatObject(JSONValue(parsing: bytes), "the top level")
    _ = file.optional("about")
    id = try file.string("layout")
    version = try file.integer("version")
    detection = try LayoutDetection(file.required("detect"))
    config = try ConfigTable(file.required("config"))
    var semantics = try FormatObject(file.required("semantics"), "semantics")
    modelSemantics = try semantics.facts("model")
    layerSemantics = try semantics.facts("layer")
    try semantics.finish()
    dimensions = try Self.dimensions(file.optional("dims"))
    let tables = try Self.tables(file.optional("tables"))
    tensors = try file.array("tensors").map { try TensorRule($0, tables: tables) }
    carried = try file.array("carry").map(CarryRule.init)
    try file.finish()
  }

  private static func dimensions(_ value: JSONValue?) throws -> [(String, SizeExpression)] {
    guard case .object(let object)? = value else { return [] }
    return try object.entries.map { ($0.key, try FormatValue.size($0.value)) }
  }

  private static func tables(_ value: JSONValue?) throws -> [String: [Int]] {
    guard case .object(let object)? = value else { return [:] }
    var tables: [String: [Int]] = [:]
    for (name, value) in object.entries {
      let table = try FormatValue.array(value).map(FormatValue.integer)
      guard table.sorted() == Array(table.indices) else {
        throw Problem(
          .invalid, "a table of a layout file is not a bijection",
          expected: "every number from 0 to \(table.count - 1) once", found: "\(name): \(table)")
      }
      tables[name] = table
    }
    return tables
  }
}

extension LayoutDetection {
  init(_ value: JSONValue) throws {
    var object = try FormatObject(value, "detect")
    if case .object(let keys)? = object.optional("config") {
      config = try keys.entries.map {
        ($0.key, try FormatValue.array($0.value).map(FormatValue.string))
      }
    } else {
      config = []
    }
    present = try object.strings("present").map(NameTemplate.init)
    absent = try object.strings("absent").map(NameTemplate.init)
    try object.finish()
  }
}

extension CarryRule {
  init(_ value: JSONValue) throws {
    var object = try FormatObject(value, "a carry rule")
    prefix = try NameTemplate(object.string("prefix"))
    condition = try object.condition()
    same = try object.optionalString("same")
    if let same, RoleShapes.scope(same) == nil {
      throw Problem(.invalid, "a layout file names an unknown role", found: same)
    }
    try object.finish()
  }
}
