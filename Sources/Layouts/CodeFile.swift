import Canonical
import Diagnostics
import JSON

/// A program file that a layout asks for beside some models: classes by which a library loads them.
public struct CodeFile: Sendable {
  /// The name of the file.
  public let name: String
  /// The bytes of the file.
  public var bytes: [UInt8] { Self.bytes(named: name) ?? [] }
  /// The models that need it: those with a layer for which this holds.
  let condition: Condition
  /// The classes by the name of the loader, for a config whose keys stand at the top.
  let classes: JSONObject
  /// The same for a config whose keys stand in a nested object.
  let nestedClasses: JSONObject

  /// The bytes of the program file of a name; nil where there is none.
  public static func bytes(named name: String) -> [UInt8]? {
    FormatFiles.code.first { $0.name == name }.map { Array($0.text.utf8) }
  }

  /// The names of all program files.
  public static var names: Set<String> { Set(FormatFiles.code.map(\.name)) }

  /// The key of a config that names classes.
  private static let mapKey = "auto_map"

  init(_ value: JSONValue) throws {
    var object = try FormatObject(value, "a program file")
    name = try object.string("file")
    condition = try object.condition()
    classes = object.optional("auto_map")?.object ?? [:]
    nestedClasses = object.optional("nested_auto_map")?.object ?? [:]
    try object.finish()
    guard Self.names.contains(name) else {
      throw Problem(
        .invalid, "a layout file names an unknown program file",
        expected: Self.names.sorted().joined(separator: ", "), found: name)
    }
  }

  /// The classes as a config names them.
  func entries(isNested: Bool) -> JSONObject {
    let module = name.prefix { $0 != "." }
    return JSONObject(
      (isNested ? nestedClasses : classes).entries.map {
        ($0.key, .string("\(module).\($0.value.string ?? "")"))
      })
  }

  /// The entries that name classes of Graft's program files.
  public static func ownEntries(of map: JSONObject) -> JSONObject {
    let modules = names.map { $0.prefix { $0 != "." } + "." }
    return JSONObject(
      map.entries.compactMap { key, value in
        modules.contains { value.string?.hasPrefix($0) == true } ? (key, value) : nil
      })
  }

  /// A config object that names these classes and no others of Graft's program files.
  static func naming(_ entries: JSONObject, in object: JSONObject) -> JSONObject {
    var object = object
    var map = object[mapKey]?.object ?? [:]
    for key in ownEntries(of: map).keys { map[key] = nil }
    for (key, value) in entries.entries { map[key] = value }
    if object[mapKey] != .object(map) {
      object[mapKey] = map.entries.isEmpty ? .none : .some(.object(map))
    }
    return object
  }
}

extension Layout {
  /// The program files that a model needs in this layout.
  public func code(for configuration: ModelConfiguration) -> [CodeFile] {
    code.filter { file in
      configuration.layers.contains { file.condition.holds($0.values) }
    }
  }

  /// A config that names the classes of the program files a model needs, and of no others.
  public func configNamingCode(_ config: JSONValue, for configuration: ModelConfiguration)
    -> JSONValue
  {
    guard case .object(var object) = config else { return config }
    let inner = self.config.nested.flatMap { object[$0]?.object }
    if let nested = self.config.nested, let inner {
      object[nested] = .object(CodeFile.naming([:], in: inner))
    }
    let entries = code(for: configuration).flatMap {
      $0.entries(isNested: inner != nil).entries.map { ($0.key, $0.value) }
    }
    return .object(CodeFile.naming(JSONObject(entries), in: object))
  }
}
