import Canonical
import Diagnostics
import JSON
import Tensors

/// FP8 weights with scales, as a config announces them.
public struct Quantisation: Hashable, Sendable {
  /// The size of a block that shares a scale; nil for one scale per tensor.
  public let block: BlockSize?
  /// The type of the weights, where the config states one.
  public let type: ScalarType?
  /// The modules whose weights are not quantised.
  public let exceptions: ModuleList

  /// The word for activations whose scales are stored.
  static let staticScheme = "static"
  static let exceptionKey = "modules_to_not_convert"
  static let exceptionAlias = "ignored_layers"
  private static let largestBlock = 1 << 20

  /// Reads the quantisation of a config.
  /// - Throws: `Problem` of kind `unsupported` for a kind of quantisation that Graft does not read,
  ///   `invalid` for a value that means nothing.
  /// - Parameter mayQuantiseEmbeddings: whether a list of quantised embeddings is accepted, because they
  ///   are only carried.
  init(_ value: JSONValue, mayQuantiseEmbeddings: Bool = false) throws {
    guard case .object(let object) = value else {
      throw Problem(
        .invalid, "the value has the wrong type", expected: "an object",
        found: value.text(indent: 0))
    }
    try Self.refuse(object, "quant_method", unless: ["fp8"], isRequired: true)
    try Self.refuse(object, "activation_scheme", unless: ["dynamic", Self.staticScheme])
    try Self.refuse(object, "expert_dtype", unless: ["fp8"])
    try Self.refuse(object, "scale_fmt", unless: ["float", "ue8m0"])
    try Self.refuse(object, "fmt", unless: ["e4m3", "e5m2"])
    type = object["fmt"]?.string.map { $0 == "e4m3" ? .f8E4M3 : .f8E5M2 }
    block = try Self.block(object)
    let converted = try Self.names(object, "modules_to_convert") ?? []
    guard converted.isEmpty || mayQuantiseEmbeddings else {
      throw Problem(
        .unsupported, "quantised embeddings are not read", expected: "no modules_to_convert",
        found: object["modules_to_convert"]?.text(indent: 0))
    }
    exceptions = ModuleList(
      try Self.names(object, Self.exceptionKey) ?? Self.names(object, Self.exceptionAlias) ?? [])
  }

  /// The texts of a list; nil where there is none.
  private static func names(_ object: JSONObject, _ key: String) throws -> [String]? {
    guard let value = object[key], value != .null else { return nil }
    let names = value.array?.compactMap(\.string)
    guard let names, names.count == value.array?.count else {
      throw ConfigValue.wrongType(value, at: key, expected: "a list of texts or null")
    }
    return names
  }

  private static func refuse(
    _ object: JSONObject, _ key: String, unless known: [String], isRequired: Bool = false
  ) throws {
    let value = object[key] ?? .null
    if value == .null, !isRequired { return }
    guard let word = value.string, known.contains(word) else {
      throw Problem(
        .unsupported, "this kind of quantisation is not read",
        expected: "\(key) \(known.joined(separator: " or "))", found: value.text(indent: 0))
    }
  }

  /// Blocks of 128 × 128 where the config gives no size.
  private static func block(_ object: JSONObject) throws -> BlockSize? {
    guard let value = object["weight_block_size"] else { return BlockSize(rows: 128, columns: 128) }
    if value == .null { return nil }
    let sizes = value.array?.compactMap(\.int) ?? []
    guard sizes.count == 2, value.array?.count == 2,
      sizes.allSatisfy({ (1...largestBlock).contains($0) })
    else {
      throw Problem(
        .invalid, "weight_block_size is out of range",
        expected: "null or two numbers from 1 to \(largestBlock)", found: value.text(indent: 0))
    }
    return BlockSize(rows: sizes[0], columns: sizes[1])
  }
}
