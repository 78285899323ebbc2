import Containers
import JSON
import Layouts

/// Keys by which libraries load programs that lie beside a checkpoint, or elsewhere.
///
/// Source: transformers (`auto_map`, `custom_pipelines`, `custom_generate`), mlx-lm (`model_file`).
enum ProgramKeys {
  /// Why such keys are left out.
  static let reason = "names a program; --allow code keeps it"
  private static let keys: Set<String> = [CodeFile.mapKey, "custom_pipelines", "custom_generate"]
  private static let fileKey = CodeFile.fileKey

  /// Whether a member of an object names a program.
  static func names(_ key: String, _ value: JSONValue) -> Bool {
    if key == fileKey { return value.string.map(KnownFiles.isProgram) ?? false }
    return keys.contains(key) && (value.string != nil || value.array != nil || value.object != nil)
  }

  /// Whether a key may be one of them.
  static func mayName(_ key: String) -> Bool { key == fileKey || keys.contains(key) }

  /// Whether a text that cannot be read may have such a key.
  static func mayOccur(in bytes: [UInt8]) -> Bool {
    (keys + [fileKey, "\\u"]).contains { bytes.firstRange(of: Array($0.utf8)) != nil }
  }

  /// A config without such keys, but for what names Graft's own program files.
  /// - Returns: also what was left out, each by key and value.
  static func removed(from config: JSONValue) -> (config: JSONValue, names: [String]) {
    let own = CodeFile.ownMembers(of: config.object ?? [:])
    var names: [String] = []
    return (pruned(config, sparing: own, &names), names)
  }

  /// What a config no longer names.
  static func leftOut(_ names: [String]) -> [LeftOut] {
    names.map { LeftOut(.program, "\(StoredCheckpoint.configName): \($0)", reason) }
  }

  private static func pruned(
    _ value: JSONValue, sparing own: JSONObject, _ names: inout [String]
  ) -> JSONValue {
    switch value {
    case .array(let elements): return .array(elements.map { pruned($0, sparing: [:], &names) })
    case .object(let object):
      var result = JSONObject()
      for (key, value) in object.entries {
        guard Self.names(key, value) else {
          result[key] = pruned(value, sparing: [:], &names)
          continue
        }
        names += texts(key, value, except: own[key])
        result[key] = own[key]
      }
      return .object(result)
    default: return value
    }
  }

  /// What a member names, in words.
  static func texts(_ key: String, _ value: JSONValue, except kept: JSONValue? = nil) -> [String] {
    if value == kept { return [] }
    guard let object = value.object else {
      return ["\(key) \(value.string ?? value.text(indent: 0))"]
    }
    return object.entries.filter { kept?[$0.key] != $0.value }.map {
      "\(key)/\($0.key) \($0.value.string ?? $0.value.text(indent: 0))"
    }
  }
}
