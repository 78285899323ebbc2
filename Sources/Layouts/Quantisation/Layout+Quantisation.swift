import Diagnostics
import JSON

extension Layout {
  /// The quantisation that a config announces; nil for none.
  /// - Throws: `Problem` of kind `unsupported` for one that Graft does not read, `invalid` where the
  ///   config is wrong.
  public func quantisation(from config: JSONValue) throws -> Quantisation? {
    guard let scales, let value = try self.config.table(config)[scales.key], value != .null else {
      return nil
    }
    do {
      return try Quantisation(
        value, mayQuantiseEmbeddings: inspectOnly != nil || scales.joint != nil)
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
