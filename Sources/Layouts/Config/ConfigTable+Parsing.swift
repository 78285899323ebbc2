import Canonical
import Diagnostics
import JSON

extension ConfigTable {
  init(_ value: JSONValue, _ variant: LayoutVariant) throws {
    var object = try FormatObject(value, "config")
    let tables = try Tables(
      maps: Self.pairs(object.optional("maps")),
      alternatives: Self.pairs(object.optional("alternatives")))
    nested = try object.optionalString("nested")
    outer = try object.strings("outer")
    agreeing = try object.strings("agree")
    typeKeys = try object.strings("dtype")
    predictionKey = try object.optionalString("mtp")
    let wrapping = object.optional("wrapper")?.object
    outerClass = wrapping
    wrapper = variant.isWrapped ? wrapping : nil
    isClosed = object.optional("closed") == .bool(true)
    isApart = object.optional("apart") == .bool(true)
    layerNumbers = try object.array("by_layer").map(LayerNumbers.init)
    entries = try object.array("keys").map { try ConfigEntry($0, tables) }
    try object.finish()
  }

  /// Lists of pairs that several keys share, by name.
  struct Tables {
    /// Pairs of config value and value of one fact.
    let maps: [String: [[JSONValue]]]
    /// Pairs of config value and object of facts.
    let alternatives: [String: [[JSONValue]]]
  }

  private static func pairs(_ value: JSONValue?) throws -> [String: [[JSONValue]]] {
    guard case .object(let object)? = value else { return [:] }
    var tables: [String: [[JSONValue]]] = [:]
    for (name, value) in object.entries {
      tables[name] = try FormatValue.array(value).map { pair in
        let pair = try FormatValue.array(pair)
        guard pair.count == 2 else { throw FormatValue.wrong(.array(pair), "a pair") }
        return pair
      }
    }
    return tables
  }
}

extension ConfigEntry {
  init(_ value: JSONValue, _ tables: ConfigTable.Tables) throws {
    if case .array(let pair) = value, pair.count == 2 {
      self = try Self(.object(["key": pair[0], "fact": pair[1]]), tables)
      return
    }
    var object = try FormatObject(value, "a config key")
    key = try object.string("key")
    alternativeKeys = try object.strings("or")
    condition = try object.condition()
    type = try MetadataType.checked(object.optionalString("as"))
    isOmittedIfImplied = object.optional("omit") == .bool(true)
    meaning = try Self.meaning(&object, tables)
    try object.finish()
    guard sortsLayers, let stray = facts.subtracting(FactNames.layer).min() else { return }
    throw Problem(
      .invalid, "a layout file states a fact of the model layer by layer",
      found: "\(key): \(stray)")
  }

  private static func meaning(_ object: inout FormatObject, _ tables: ConfigTable.Tables) throws
    -> Meaning
  {
    if let constant = object.optional("constant") { return .constant(constant) }
    if let standard = object.optional("default") { return .standard(standard) }
    if let rival = try object.optionalString("not_beside") { return .rival(rival) }
    if let reason = try object.optionalString("inert") { return .inert(reason) }
    if let reason = try object.optionalString("refused") { return .refused(reason) }
    if object.optional("cases") != nil || object.optional("alternatives") != nil {
      return .cases(
        try cases(&object, tables), absent: object.optional("absent"),
        otherwise: object.optional("otherwise") == nil ? nil : try object.facts("otherwise"))
    }
    if let entries = object.optional("object") {
      return .object(
        null: try object.facts("null"), set: try object.facts("set"),
        entries: try FormatValue.array(entries).map { try ConfigEntry($0, tables) })
    }
    if let sparse = object.optional("sparse") { return try Self.sparse(sparse) }
    if let indices = object.optional("indices") { return try Self.indices(indices) }
    if let groups = object.optional("groups") { return try Self.groups(groups, tables) }
    if let words = object.optional("list") { return try list(words, &object) }
    if let kinds = object.optional("blocks") {
      return .blocks(select: try object.string("select"), kinds: try blocks(kinds, tables))
    }
    return .fact(try fact(&object, tables))
  }

  private static func fact(_ object: inout FormatObject, _ tables: ConfigTable.Tables) throws
    -> FactEntry
  {
    let fact = try name(&object)
    var map: [Case]?
    if let name = try object.optionalString("map") {
      guard let pairs = tables.maps[name] else {
        throw Problem(.invalid, "a layout file names an unknown map", found: name)
      }
      map = try pairs.map { pair in
        guard let value = FactValue(pair[1]) else {
          throw FormatValue.wrong(.array(pair), "[config value, fact value]")
        }
        return Case(value: pair[0], facts: [fact: value])
      }
    }
    return FactEntry(
      fact: fact, null: try scalar(&object, "null"), absent: try scalar(&object, "absent"),
      plus: object.optional("plus") == nil ? 0 : try object.integer("plus"),
      derived: try derived(&object),
      times: try object.optionalString("times").map(known),
      over: try object.optionalString("over").map(known),
      with: try object.optionalString("with").map(known),
      listed: object.optional("listed") == nil ? nil : try object.integer("listed"),
      written: try object.optionalString("written").map(known),
      ratio: try ratio(&object), isFloat: object.optional("float") == .bool(true), map: map)
  }

  private static func derived(_ object: inout FormatObject) throws -> Derived? {
    guard let value = object.optional("derived") else { return nil }
    var rule = try FormatObject(value, "derived")
    let derived = Derived(
      fact: try rule.optionalString("fact").map(known), key: try rule.optionalString("key"),
      times: rule.optional("times")?.number ?? 1, over: try rule.optionalString("over").map(known))
    try rule.finish()
    guard (derived.fact == nil) != (derived.key == nil) else {
      throw FormatValue.wrong(value, "either a fact or a key")
    }
    return derived
  }

  private static func ratio(_ object: inout FormatObject) throws -> Ratio? {
    guard let value = object.optional("ratio") else { return nil }
    var ratio = try FormatObject(value, "ratio")
    let result = Ratio(
      key: try ratio.string("key"), standard: try ratio.integer("default"),
      multiple: max(try ratio.integer("multiple"), 1))
    try ratio.finish()
    return result
  }

  private static func scalar(_ object: inout FormatObject, _ key: String) throws -> FactValue? {
    guard let value = object.optional(key) else { return nil }
    guard let fact = FactValue(value) else { throw FormatValue.wrong(value, "a scalar") }
    return fact
  }

  private static func cases(_ object: inout FormatObject, _ tables: ConfigTable.Tables) throws
    -> [Case]
  {
    var pairs = try object.array("cases").map(FormatValue.array)
    if let name = try object.optionalString("alternatives") {
      guard let shared = tables.alternatives[name] else {
        throw Problem(.invalid, "a layout file names unknown alternatives", found: name)
      }
      pairs = shared
    }
    return try pairs.map { pair in
      guard pair.count == 2 else { throw FormatValue.wrong(.array(pair), "[value, facts]") }
      return Case(value: pair[0], facts: try FormatValue.facts(pair[1]))
    }
  }

  private static func sparse(_ value: JSONValue) throws -> Meaning {
    var object = try FormatObject(value, "sparse")
    let meaning = Meaning.sparse(
      step: try object.string("step"), experts: try object.string("experts"))
    try object.finish()
    return meaning
  }

  private static func indices(_ value: JSONValue) throws -> Meaning {
    var object = try FormatObject(value, "indices")
    let isCount = object.optional("count") == .bool(true)
    let indices = ConfigEntry.Indices(
      isCount: isCount, first: isCount ? 0 : try object.integer("first"),
      set: try object.facts("set"), others: try object.facts("others"))
    try object.finish()
    return .indices(indices)
  }

  private static func groups(_ value: JSONValue, _ tables: ConfigTable.Tables) throws -> Meaning {
    var object = try FormatObject(value, "groups")
    let kind = BlockKind(
      set: try object.facts("set"),
      entries: try object.array("keys").map { try ConfigEntry($0, tables) })
    let groups = ConfigEntry.Groups(
      member: try object.string("member"), kind: kind, others: try object.facts("others"),
      insteadOf: object.optional("instead_of") == nil ? nil : try object.facts("instead_of"))
    try object.finish()
    guard groups.insteadOf == nil || groups.others.isEmpty else {
      throw FormatValue.wrong(value, "others or instead_of")
    }
    return .groups(groups)
  }

  private static func list(_ value: JSONValue, _ object: inout FormatObject) throws -> Meaning {
    guard case .object(let words) = value else { throw FormatValue.wrong(value, "an object") }
    var interval: Interval?
    if let rule = object.optional("interval") {
      var rule = try FormatObject(rule, "interval")
      interval = Interval(
        key: try rule.optionalString("key"), standard: try rule.integer("default"),
        every: word(try rule.string("every")), other: word(try rule.string("other")),
        hasOneAtLeast: rule.optional("one_at_least") == .bool(true),
        type: try MetadataType.checked(rule.optionalString("as")))
      try rule.finish()
    }
    let prediction = try object.optionalString("prediction").map(word)
    return .list(
      try words.entries.map { (word($0.key), try FormatValue.facts($0.value)) },
      interval: interval,
      object.optional("only_interval") == .bool(true)
        ? .interval : .list(prediction: prediction))
  }

  /// A word of a list; `true` and `false` are the truth values.
  private static func word(_ text: String) -> JSONValue {
    text == "true" || text == "false" ? .bool(text == "true") : .string(text)
  }

  private static func blocks(_ value: JSONValue, _ tables: ConfigTable.Tables) throws
    -> [(name: String, kind: BlockKind)]
  {
    guard case .object(let kinds) = value else { throw FormatValue.wrong(value, "an object") }
    return try kinds.entries.map { name, value in
      var object = try FormatObject(value, "a kind of block")
      let kind = BlockKind(
        set: try object.facts("set"),
        entries: try object.array("keys").map { try ConfigEntry($0, tables) })
      try object.finish()
      return (name, kind)
    }
  }

  /// The fact that a key states: one that Graft knows, or a size that only the layout knows.
  private static func name(_ object: inout FormatObject) throws -> String {
    if let symbol = try object.optionalString("size") {
      return ModelConfiguration.sizePrefix + symbol
    }
    return try known(object.string("fact"))
  }

  private static func known(_ fact: String) throws -> String {
    guard FactNames.all.contains(fact) else {
      throw Problem(.invalid, "a layout file names an unknown fact", found: fact)
    }
    return fact
  }
}
