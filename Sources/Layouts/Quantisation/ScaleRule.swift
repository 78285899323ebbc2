import Diagnostics
import JSON

/// How a layout stores the scales of quantised weights and how its config announces them.
public struct ScaleRule: Sendable {
  /// The config key that holds the quantisation.
  public let key: String
  /// The names that the scale of a weight may have, `{name}` standing for that of the weight and
  /// `{module}` for it without its last `.weight`; the first one is written.
  let names: [String]
  /// The tags of the forms that are written with quantised weights where no other is asked for; empty
  /// for the usual one.
  let tags: Set<String>

  /// The names under which the scale of a weight may be stored, the preferred one first.
  public func names(of weight: String) -> [String] {
    let module = weight.hasSuffix(".weight") ? String(weight.dropLast(".weight".count)) : nil
    return names.compactMap { name in
      guard name.contains("{module}") else { return name.replacing("{name}", with: weight) }
      return module.map { name.replacing("{module}", with: $0) }
    }
  }
}

extension ScaleRule {
  /// Reads the `scales` section of a layout file.
  init(_ value: JSONValue) throws {
    var object = try FormatObject(value, "scales")
    key = try object.string("config")
    names = try object.strings("names")
    tags = Set(try object.strings("in"))
    try object.finish()
    guard !names.isEmpty, names[0].contains("{name}"),
      names.allSatisfy({ $0.contains("{name}") || $0.contains("{module}") })
    else {
      throw FormatValue.wrong(
        value, "names with {name} or {module}, the first one with {name}")
    }
  }
}

extension Layout {
  /// The quantisation that a config announces; nil for none.
  /// - Throws: `Problem` of kind `unsupported` for one that Graft does not read, `invalid` where the
  ///   config is wrong.
  public func quantisation(from config: JSONValue) throws -> Quantisation? {
    guard let scales, let value = try self.config.table(config)[scales.key], value != .null else {
      return nil
    }
    do {
      return try Quantisation(value, mayQuantiseEmbeddings: inspectOnly != nil)
    } catch let problem as Problem {
      throw problem.changed { $0.what = "\(scales.key): " + $0.what }
    }
  }
}

extension ScaleRule {
  /// A config of some layout, which keeps the quantisation of a source of this one, with another list
  /// of modules that are not quantised or, with nil, without quantisation.
  public func config(_ config: JSONValue, in layout: Layout, quantisedExcept modules: [String]?)
    -> JSONValue
  {
    layout.config.edited(config, at: key) { value in
      guard case .object(var object) = value else { return value }
      guard let modules else { return nil }
      let alias = Quantisation.exceptionAlias
      let name = object[alias] == nil ? Quantisation.exceptionKey : alias
      object[name] = .array(modules.map { .string($0) })
      return .object(object)
    }
  }
}

extension ConfigTable {
  /// The config with the value of a key, at the top or nested, changed or, by nil, removed; a key
  /// that is not there is not added.
  fileprivate func edited(
    _ config: JSONValue, at key: String, _ body: (JSONValue) -> JSONValue?
  ) -> JSONValue {
    guard case .object(var object) = config else { return config }
    if let value = object[key] { object[key] = body(value) }
    if let nested, let inner = object[nested], case .object = inner {
      object[nested] = edited(inner, at: key, body)
    }
    return .object(object)
  }
}
