import Canonical
import JSON

extension Layout {
  /// A new config for a configuration, with what the config of another layout says beyond facts; in a
  /// form that carries what both share, such as a vision tower, with what stands around the object of the
  /// text model, too.
  /// - Throws: `Problem` of kind `invalid` where that config is no object.
  public func writtenConfig(
    _ configuration: ModelConfiguration, around config: JSONValue, of other: Layout
  ) throws -> JSONValue {
    let written = try writtenConfig(configuration, keeping: config, of: other)
    guard !sharedPrefixes.isEmpty, case .object(var object) = written, let nested = nestedKey,
      object[nested] != nil, let inner = other.nestedKey, let outer = config.object,
      outer[inner]?.object != nil
    else { return written }
    let counting = Set(other.config.outer + [inner])
    for (key, value) in outer.entries where object[key] == nil && !counting.contains(key) {
      object[key] = value
    }
    return .object(object)
  }
}
