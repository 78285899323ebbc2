import JSON

extension ConfigTable {
  /// Reads the `config` section of a layout file.
  init(_ value: JSONValue, _ form: LayoutForm) throws {
    var object = try FormatObject(value, "config")
    let pairs = try SharedPairs(&object)
    nested = try object.optionalString("nested")
    outer = try object.strings("outer")
    agreeing = try object.strings("agree")
    typeKeys = try object.strings("dtype")
    predictionKey = try object.optionalString("mtp")
    let wrapping = object.optional("wrapper")?.object
    outerClass = wrapping
    wrapper = form.isWrapped ? wrapping : nil
    isClosed = object.optional("closed") == .bool(true)
    isApart = object.optional("apart") == .bool(true)
    layerNumbers = try object.array("by_layer").map(LayerNumbers.init)
    entries = try object.array("keys").map { try ConfigEntry($0, pairs) }
    try object.finish()
  }
}
