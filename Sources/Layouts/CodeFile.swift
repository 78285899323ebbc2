import Canonical
import Diagnostics
import JSON

/// A program file that a layout asks for beside some models: classes by which a library loads them.
///
/// A config names a file's classes in `auto_map`, as transformers reads it, or the file itself in
/// `model_file`, as mlx-lm reads it; a file that neither names is one that another imports.
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
  /// Whether the config names the file itself.
  let isModelFile: Bool

  /// The bytes of the program file of a name; nil where there is none.
  public static func bytes(named name: String) -> [UInt8]? {
    FormatFiles.code.first { $0.name == name }.map { Array($0.text.utf8) }
  }

  /// The names of all program files.
  public static var names: Set<String> { Set(FormatFiles.code.map(\.name)) }

  /// The key of a config that names classes.
  public static let mapKey = "auto_map"
  /// The key of a config that names the file with its model.
  public static let fileKey = "model_file"

  init(_ value: JSONValue) throws {
    var object = try FormatObject(value, "a program file")
    name = try object.string("file")
    condition = try object.condition()
    classes = object.optional("auto_map")?.object ?? [:]
    nestedClasses = object.optional("nested_auto_map")?.object ?? [:]
    isModelFile = try object.flag("model_file")
    try object.finish()
    guard Self.names.contains(name) else {
      throw Problem(
        .invalid, "a layout file names an unknown program file",
        expected: Self.names.sorted().joined(separator: ", "), found: name)
    }
  }

  /// The members by which a config names the file.
  func members(isNested: Bool) -> JSONObject {
    let module = name.prefix { $0 != "." }
    let entries = (isNested ? nestedClasses : classes).entries.map {
      ($0.key, JSONValue.string("\(module).\($0.value.string ?? "")"))
    }
    var members: JSONObject = isModelFile ? [Self.fileKey: .string(name)] : [:]
    if !entries.isEmpty { members[Self.mapKey] = .object(JSONObject(entries)) }
    return members
  }

  /// The members of a config that name Graft's program files, without what names others.
  public static func ownMembers(of config: JSONObject) -> JSONObject {
    let modules = names.map { $0.prefix { $0 != "." } + "." }
    let entries = (config[mapKey]?.object ?? [:]).entries.filter { entry in
      modules.contains { entry.value.string?.hasPrefix($0) == true }
    }
    var members: JSONObject = [:]
    if !entries.isEmpty { members[mapKey] = .object(JSONObject(entries)) }
    if let file = config[fileKey]?.string, names.contains(file) { members[fileKey] = .string(file) }
    return members
  }

  /// A config object in which these members, and no others, name program files of Graft.
  static func naming(_ members: JSONObject, in object: JSONObject) -> JSONObject {
    var object = object
    let own = ownMembers(of: object)
    if own[fileKey] != members[fileKey] { object[fileKey] = members[fileKey] }
    var map = object[mapKey]?.object ?? [:]
    for key in own[mapKey]?.object?.keys ?? [] { map[key] = nil }
    for (key, value) in members[mapKey]?.object?.entries ?? [] { map[key] = value }
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
    var members: JSONObject = [:]
    for file in code(for: configuration) {
      for (key, value) in file.members(isNested: inner != nil).entries { members[key] = value }
    }
    return .object(CodeFile.naming(members, in: object))
  }
}
