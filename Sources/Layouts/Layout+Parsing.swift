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
      parsing: LayoutFile(name: "a layout file", bytes: bytes), parts: LayoutParts([])
    ).map {
      try $0.layout()
    }
  }

  /// Reads one form of a layout file whose parts are filled in.
  /// - Parameters:
  ///   - value: what the file says of this form.
  ///   - whole: where its lists come from.
  ///   - record: which file it is, where it is not part of the build.
  init(
    _ value: JSONValue, _ whole: WholeLayoutFile, _ form: LayoutForm, of forms: [LayoutForm],
    record: LayoutFile.Record?
  ) throws {
    var file = try FormatObject(value, "the top level")
    self.record = record
    // What the layout is, and in which forms.
    about = try file.string("about")
    inspectOnly = try file.optionalString("inspect_only")
    _ = file.optional("forms")
    let headless = try HeadlessForms(&file)
    self.form = form
    id = try file.string("layout")
    version = try file.integer("version")
    // How it is recognised, and what its config says.
    detection = try file.required("detect") { try LayoutDetection($0, form) }
    config = try file.required("config") {
      try ConfigTable($0, form, places: whole.keyPlaces)
    }
    let fixed = try file.required("semantics", Self.semantics)
    let modelClass: [String: FactValue] =
      headless.exist ? ["class": .word(form.modelClass.rawValue)] : [:]
    (modelSemantics, layerSemantics) = (fixed.model.merging(modelClass) { $1 }, fixed.layer)
    // Symbols and tables that the rules of tensors may use.
    let sizes = RoleTable.symbols.union(config.sizeSymbols)
    dimensions = try file.members("dims") { symbol, value in
      guard !sizes.contains(symbol) else {
        throw FormatValue.wrong(.string(symbol), "a symbol that no other size has")
      }
      return (symbol, try FormatValue.size(value))
    }
    scales = try file.optional("scales", ScaleRule.init)
    let tables = Dictionary(
      uniqueKeysWithValues: try file.members("tables") { ($0, try Self.table($1)) })
    let symbols = RoleTable.symbols.union(dimensions.map(\.symbol)).union(config.sizeSymbols)
    // The tensors; rules that this form does not have keep their place in messages of the others.
    let rulesHere = try file.list("tensors", places: whole.tensorPlaces) {
      let rule = try TensorRule($0, tables: tables, form: form)
      for size in rule?.sizes ?? [] { try size.check(symbols) }
      return rule
    }
    tensors = rulesHere.compactMap(\.self)
    tensorPlaces = zip(whole.tensorPlaces, rulesHere).compactMap { $1 == nil ? nil : $0 }
    // What goes along with the tensors.
    metadata =
      file.optional("metadata") == nil
      ? [("format", "pt")] : try file.members("metadata") { ($0, try FormatValue.string($1)) }
    let otherHeads =
      headless.exist
      ? try OtherHead.carried(besideLanguage: form.modelClass == .language) : []
    carried =
      try file.list("carry") { try CarryRule($0, form) }.compactMap(\.self) + otherHeads
    claims = try file.array("carry").compactMap { $0["claimed"]?.string }
    code = try file.list("code", CodeFile.init)
    // What its readers need.
    container = try file.optionalString("container")
    limits = try file.list("limits", LayoutLimit.init)
    lostFacts = try file.strings("lost")
    for name in lostFacts where layerSemantics[name] == nil {
      throw FormatValue.wrong(.string(name), "facts of semantics.layer").located(.place("lost"))
    }
    notes = try file.list("notes", LayoutNote.init)
    loads = try file.list("loads", LoadingProgram.init)
    let rules = try file.array("tensors")
    prediction = try file.optional("mtp") {
      try PredictionRules($0, rules: rules, tables: tables, forms: [form] + forms)
    }
    try file.finish()
  }

  private static func semantics(_ value: JSONValue) throws -> (model: Facts, layer: Facts) {
    var semantics = try FormatObject(value, "semantics")
    let (model, layer) = (try semantics.facts("model"), try semantics.facts("layer"))
    try semantics.finish()
    return (model, layer)
  }

  private static func table(_ value: JSONValue) throws -> [Int] {
    let table = try FormatValue.list(value, FormatValue.integer)
    guard !table.isEmpty, table.sorted() == Array(table.indices) else {
      throw Problem(
        .invalid, "a table of a layout file is not a bijection",
        expected: table.isEmpty
          ? "at least one number" : "every number from 0 to \(table.count - 1) once",
        found: FormatValue.shown(value))
    }
    return table
  }
}

extension SizeExpression {
  /// Refuses a size with a symbol that nothing gives a value.
  fileprivate func check(_ known: Set<String>) throws {
    guard let strange = symbols.subtracting(known).min() else { return }
    throw Problem(
      .invalid, "a size of a layout file uses an unknown symbol",
      expected: known.sorted().joined(separator: ", "), found: "\(strange) in \(text)")
  }
}
