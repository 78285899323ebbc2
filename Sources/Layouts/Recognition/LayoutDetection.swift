import JSON

/// How a layout is recognised from a config and stored names.
public struct LayoutDetection: Sendable {
  /// Config keys and the values one of which they must have; null stands for a missing key.
  public let config: [(key: String, values: [JSONValue])]
  /// Names that must be there.
  public let present: [NameTemplate]
  /// Names that must not be there.
  public let absent: [NameTemplate]
  /// Names that only models of another kind have, under the same config values, and what these are.
  public let namesakes: [(name: NameTemplate, what: String)]
}

extension LayoutDetection {
  init(_ value: JSONValue, _ form: LayoutForm) throws {
    var object = try FormatObject(value, "detect")
    config = try object.members("config") { ($0, try FormatValue.array($1)) }
    present = try object.names("present", form)
    absent = try object.names("absent", form)
    namesakes = try object.members("namesakes") {
      (try NameTemplate(file: .string($0)), try FormatValue.string($1))
    }
    try object.finish()
  }
}

extension LayoutDetection {
  /// What a clause about the config begins with.
  static let configClause = "config "

  /// What speaks for and against the layout.
  func evidence(config json: JSONValue?, has: (String) -> Bool)
    -> (pro: [String], against: [String])
  {
    var pro: [String] = []
    var against: [String] = []
    for (key, values) in config {
      let found = json?[key] ?? .null
      let matches = values.contains(found)
      let text =
        "\(Self.configClause)\(key) is \(found.string ?? (found == .null ? "missing" : "no text"))"
      if matches { pro.append(text) } else { against.append(text) }
    }
    for name in present.map({ $0.name() }) {
      if has(name) { pro.append("has \(name)") } else { against.append("no \(name)") }
    }
    for name in absent.map({ $0.name() }) {
      if has(name) { against.append("has \(name)") } else { pro.append("no \(name)") }
    }
    if let other = namesake(has) { against.append("it is \(other)") }
    return (pro, against)
  }

  /// What the checkpoint is instead, as its names show; nil where they show nothing.
  func namesake(_ has: (String) -> Bool) -> String? {
    namesakes.first { has($0.name.name()) }?.what
  }
}
