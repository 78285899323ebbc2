import Canonical
import Diagnostics
import JSON
import Tensors

extension Layout {
  /// Reads a layout file: one layout per form on disk, the preferred one first.
  /// - Throws: `Problem` of kind `invalid` for anything the file should not say, unknown keys among
  ///   it.
  public static func forms(parsing bytes: [UInt8]) throws -> [Layout] {
    try LayoutOutline.forms(
      parsing: bytes, name: "a layout file", parts: LayoutParts([])
    ).map {
      try $0.layout()
    }
  }

  /// Reads one form of a layout file whose parts and prefix are filled in.
  init(_ value: JSONValue, _ form: LayoutForm, of forms: [LayoutForm]) throws {
    var file = try FormatObject(value, "the top level")
    about = try file.string("about")
    inspectOnly = try file.optionalString("inspect_only")
    _ = file.optional("forms")
    let headless = try HeadlessForms(&file)
    self.form = form
    id = try file.string("layout")
    version = try file.integer("version")
    detection = try LayoutDetection(file.required("detect"), form)
    config = try ConfigTable(file.required("config"), form)
    var semantics = try FormatObject(file.required("semantics"), "semantics")
    modelSemantics = try semantics.facts("model")
      .merging(headless.exist ? ["class": .word(form.modelClass.rawValue)] : [:]) { $1 }
    layerSemantics = try semantics.facts("layer")
    try semantics.finish()
    dimensions = try Self.dimensions(file.optional("dims"))
    scales = try file.optional("scales").map(ScaleRule.init)
    let tables = try Self.tables(file.optional("tables"))
    tensors = try file.array("tensors").compactMap {
      try TensorRule($0, tables: tables, form: form)
    }
    metadata =
      try file.optional("metadata")?.object?.entries
      .map { ($0.key, try FormatValue.string($0.value)) } ?? [("format", "pt")]
    let otherHeads =
      headless.exist
      ? try OtherHead.carried(besideLanguage: form.modelClass == .language) : []
    carried = try file.array("carry").compactMap { try CarryRule($0, form) } + otherHeads
    claims = try file.array("carry").compactMap { $0["claimed"]?.string }
    code = try file.array("code").map(CodeFile.init)
    container = try file.optionalString("container")
    limits = try file.array("limits").map(LayoutLimit.init)
    notes = try file.array("notes").map(LayoutNote.init)
    let rules = try file.array("tensors")
    prediction = try file.optional("mtp").map {
      try PredictionRules($0, rules: rules, tables: tables, forms: [form] + forms)
    }
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
