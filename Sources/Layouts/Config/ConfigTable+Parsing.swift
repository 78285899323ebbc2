import JSON

extension ConfigTable {
  /// Reads the `config` section of a layout file.
  /// - Parameter places: where each key comes from, for messages.
  init(_ value: JSONValue, _ form: LayoutForm, places: [String]) throws {
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
    isClosed = try object.flag("closed")
    isOfTrainer = try object.flag("trainer")
    isApart = try object.flag("apart") || isOfTrainer
    layerNumbers = try object.list("by_layer", LayerNumbers.init)
    entries = try object.list("keys", places: places) { try ConfigEntry($0, pairs) }
    self.places = places.map { "config.\($0)" }
    try object.finish()
  }
}
