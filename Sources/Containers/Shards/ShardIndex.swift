import Diagnostics
import JSON

/// The index of a checkpoint in several files: which tensor is in which file.
public struct ShardIndex: Sendable {
  /// The largest index that is read.
  /// - Units: bytes.
  static let limit = 256 << 20

  /// The tensors and their files, in the order of the index.
  public let weightMap: [(tensor: String, file: String)]
  /// The claimed number of bytes of all tensors.
  public let totalSize: Int?
  /// The claimed number of elements of all tensors.
  public let totalParameters: Int?

  /// An index from its parts.
  public init(
    weightMap: [(tensor: String, file: String)], totalSize: Int?, totalParameters: Int?
  ) {
    self.weightMap = weightMap
    self.totalSize = totalSize
    self.totalParameters = totalParameters
  }

  /// Reads an index.
  /// - Throws: `Problem` of kind `invalid` where it is not strict JSON, has no `weight_map`, or
  ///   names a file that may lie elsewhere.
  public init(parsing bytes: UnsafeRawBufferPointer) throws {
    var scanner = JSONScanner(bytes)
    var keys = JSONKeySet()
    var map: [(tensor: String, file: String)]?
    var claims = JSONValue.null
    try scanner.beginObject()
    while let key = try scanner.nextKey(notIn: &keys) {
      if key.isEqual(to: "weight_map") {
        map = try Self.readMap(&scanner)
      } else {
        let value = try scanner.value()
        if key.isEqual(to: "metadata") { claims = value }
      }
    }
    try scanner.end()
    guard let map else {
      throw Problem(
        .invalid, "the index names no tensors", expected: "a member \"weight_map\"",
        found: "no such member")
    }
    self.init(
      weightMap: map, totalSize: try Self.claim("total_size", claims),
      totalParameters: try Self.claim("total_parameters", claims))
  }

  private static func readMap(_ scanner: inout JSONScanner) throws
    -> [(tensor: String, file: String)]
  {
    var keys = JSONKeySet()
    var map: [(tensor: String, file: String)] = []
    try scanner.beginObject()
    while let key = try scanner.nextKey(notIn: &keys) {
      let name = key.string
      try locating(.tensor(name)) {
        try StoredName.checkTensor(name)
        let file = try StoredName.file(scanner.text().string)
        map.append((tensor: name, file: file))
      }
    }
    return map
  }

  /// A number of the metadata; some writers give it a fraction of zero.
  private static func claim(_ key: String, _ metadata: JSONValue) throws -> Int? {
    guard let value = metadata[key], !value.isNull else { return nil }
    guard let number = value.int ?? value.number.flatMap({ Int(exactly: $0) }) else {
      throw Problem(
        .invalid, "the metadata of the index is unusable",
        expected: "a whole number as \"\(key)\"", found: value.text(indent: 0))
    }
    return number
  }

  /// The index as the reference writes it: two spaces per level, sorted keys, a last newline.
  public var text: String {
    var metadata = JSONObject()
    metadata["total_parameters"] = totalParameters.map { JSONValue($0) }
    metadata["total_size"] = totalSize.map { JSONValue($0) }
    let sorted = weightMap.sorted { $0.tensor.utf8.lexicographicallyPrecedes($1.tensor.utf8) }
    let map = JSONObject(sorted.map { ($0.tensor, .string($0.file)) })
    let document: JSONValue = ["metadata": .object(metadata), "weight_map": .object(map)]
    return document.text() + "\n"
  }
}
