import Diagnostics
import JSON
import Tensors

/// The metadata of a GGUF checkpoint as an object, as layouts read and write it.
///
/// Members that are objects are no metadata values: `{"count": n}` stands for an array that is kept
/// apart, `tensors` names what is stored, as `{"output.weight": true, …}`, and `rows` says how many rows a
/// matrix has. The place of a file among several says nothing of the model and is left out.
public enum GGUFConfig {
  /// The member that names the stored tensors.
  public static let tensorsKey = "tensors"
  /// The member that counts the rows of stored matrices that belong to no layer.
  public static let rowsKey = "rows"
  /// The value that names the type of most weights.
  private static let fileTypeKey = "general.file_type"

  /// The value that names the version of the blocks.
  private static let versionKey = "general.quantization_version"

  /// What is stored: the name and shape of each tensor.
  public typealias Stored = (name: String, shape: [Int])

  package static func object(_ metadata: GGUFHeader.Metadata, _ stored: [Stored]) -> JSONValue {
    var object = JSONObject(
      SplitFiles.withoutPlace(metadata).map { ($0.key, $0.value.json) })
    object[tensorsKey] = .object(JSONObject(stored.map { ($0.name, .bool(true)) }))
    object[rowsKey] = .object(
      JSONObject(
        stored.filter { $0.shape.count == 2 && !$0.name.contains(where: \.isNumber) }
          .map { ($0.name, JSONValue($0.shape[0])) }))
    return .object(object)
  }

  /// The same object as text, by which a checkpoint is recognised.
  public static func text(_ metadata: GGUFHeader.Metadata, _ stored: [Stored]) -> [UInt8] {
    Array(object(metadata, stored).text(indent: 0).utf8)
  }

  /// The metadata for a config.
  /// - Parameters:
  ///   - types: the types of values by key.
  ///   - source: metadata whose values and types are kept where they say the same.
  /// - Throws: `Problem` of kind `unsupported` for a value without a type or one that does not fit.
  public static func metadata(
    _ config: JSONValue, types: [String: String], keeping source: GGUFHeader.Metadata
  ) throws -> GGUFHeader.Metadata {
    let kept = Dictionary(
      source.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
    return try (config.object ?? JSONObject()).entries.compactMap { key, value in
      if let old = kept[key], old.json == value { return (key, old) }
      if value.isNull || value.object != nil { return nil }
      guard let type = kept[key]?.typeName ?? types[key] else {
        throw Problem(.unsupported, "a value without a type of metadata", found: key)
      }
      let typed = try locating(
        .tensor(key), advising: "correct the value in the config, or choose another layout"
      ) { try GGUFValue(value, as: type) }
      return (key, typed)
    }
  }

  /// The metadata of one of several files, with the type that most weights have, where it is named at
  /// all.
  /// - Parameter tensors: the number of tensors in all files.
  public static func metadata(
    _ metadata: GGUFHeader.Metadata, mostly type: ScalarType?, part: Int, of count: Int,
    tensors: Int
  ) throws -> GGUFHeader.Metadata {
    let code = type.flatMap(GGUFTensorTypes.fileType)
    let value = try code.map { try GGUFValue(JSONValue(Int($0)), as: "u32") }
    let typed = metadata.map { $0.key == fileTypeKey ? ($0.key, value ?? $0.value) : $0 }
    return try SplitFiles.metadata(typed, part: part, of: count, tensors: tensors)
  }

  /// The metadata of a file of quantised weights, which says so at the end, as llama-quantize does.
  /// - Parameters:
  ///   - code: one of `enum llama_ftype`.
  ///   - more: what else is said at the end.
  public static func quantised(
    _ metadata: GGUFHeader.Metadata, _ code: UInt32, _ more: GGUFHeader.Metadata
  ) throws -> GGUFHeader.Metadata {
    let added = try [(versionKey, 2), (fileTypeKey, Int(code))].map { key, value in
      (key: key, value: try GGUFValue(JSONValue(value), as: "u32"))
    }
    let keys = Set((added + more).map(\.key))
    return metadata.filter { !keys.contains($0.key) } + added + more
  }
}
