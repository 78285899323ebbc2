import Containers
import Diagnostics
import JSON
import SystemPackage
import Tensors

/// Reads token ids from the forms people have them in.
public enum TokenFile {
  /// The largest text or byte file that is read.
  /// - Units: bytes.
  private static let limit = 1 << 30

  /// Reads a file of token ids.
  ///
  /// `.safetensors` holds `input_ids` and perhaps `labels`; `.json` a list of ids, a list of lists
  /// or an object with such `input_ids` and `labels`; `.txt` ids between white space.
  /// - Parameter asBytes: whether every byte of the file is a token.
  /// - Throws: `Problem` of kind `missing`, `invalid` or `usage`, naming the file.
  public static func read(_ path: FilePath, asBytes: Bool) throws -> TokenBatch {
    try locating(
      .file(path.string), advising: "write ids as [[1, 2, 3]] in a .json file, or as input_ids I64"
    ) {
      if asBytes {
        return TokenBatch(rows: [try MappedFile.readAll(path, limit: limit).map(Int.init)])
      }
      switch path.extension {
      case "safetensors": return try safetensors(path)
      case "json": return try json(MappedFile.readAll(path, limit: limit))
      case "txt": return TokenBatch(rows: [try text(MappedFile.readAll(path, limit: limit))])
      default:
        throw Problem(
          .usage, "cannot tell how the file holds tokens",
          expected: ".safetensors, .json or .txt",
          remedy: "add --bytes if every byte of the file is a token, or give prose with --text-file"
        )
      }
    }
  }

  private static func safetensors(_ path: FilePath) throws -> TokenBatch {
    let file = try SafetensorsFile(path)
    guard let ids = file.tensors.first(where: { $0.name == "input_ids" }) else {
      throw Problem(.missing, "the file has no tensor input_ids")
    }
    let labels = try file.tensors.first { $0.name == "labels" }.map(rows)
    return try batch(rows(ids), labels: labels)
  }

  /// Prompts with labels, which must be as many.
  private static func batch(_ rows: [[Int]], labels: [[Int]]?) throws -> TokenBatch {
    if let labels, labels.map(\.count) != rows.map(\.count) {
      throw Problem(
        .invalid, "labels and input_ids differ in shape", tensor: "labels",
        expected: description(rows), found: description(labels))
    }
    return TokenBatch(rows: rows, labels: labels)
  }

  /// The shape of some rows in words.
  private static func description(_ rows: [[Int]]) -> String {
    let lengths = Set(rows.map(\.count)).sorted().map(String.init).joined(separator: ", ")
    return "\(rows.count) rows of \(lengths)"
  }

  /// The rows of a `[T]` or `[B, T]` tensor of integers.
  static func rows(_ tensor: StoredTensor) throws -> [[Int]] {
    guard let length = tensor.shape.last, (1...2).contains(tensor.shape.count),
      tensor.type == .i64 || tensor.type == .i32
    else {
      throw Problem(
        .invalid, "token ids have the wrong type or shape", tensor: tensor.name,
        expected: "I64 or I32, [T] or [B, T]",
        found: "\(tensor.type.rawValue) \(TensorShape.text(tensor.shape))")
    }
    let values = try tensor.region.withBytes { bytes in
      (0..<tensor.elementCount).map { index in
        tensor.type == .i64
          ? Int(bytes.loadUnaligned(fromByteOffset: index * 8, as: Int64.self))
          : Int(bytes.loadUnaligned(fromByteOffset: index * 4, as: Int32.self))
      }
    }
    guard length > 0 else { return [] }
    return stride(from: 0, to: values.count, by: length).map { Array(values[$0..<($0 + length)]) }
  }

  private static func json(_ bytes: [UInt8]) throws -> TokenBatch {
    let value = try JSONValue(parsing: bytes)
    guard case .object(let object) = value else { return TokenBatch(rows: try rows(value)) }
    guard let ids = object["input_ids"] else {
      throw Problem(.missing, "the file has no input_ids")
    }
    return try batch(rows(ids), labels: object["labels"].map(rows))
  }

  private static func rows(_ value: JSONValue) throws -> [[Int]] {
    guard case .array(let items) = value else {
      throw Problem(
        .invalid, "token ids must be a list or a list of lists",
        found: String(value.text(indent: 0).prefix(40)))
    }
    guard case .array? = items.first else { return [try items.map(integer)] }
    return try items.map { item in
      guard case .array(let ids) = item else {
        throw Problem(
          .invalid, "token ids must be a list or a list of lists",
          found: String(item.text(indent: 0).prefix(40)))
      }
      return try ids.map(integer)
    }
  }

  private static func integer(_ value: JSONValue) throws -> Int {
    guard case .integer(let number) = value else {
      throw Problem(
        .invalid, "a token id is not an integer", found: String(value.text(indent: 0).prefix(40)))
    }
    return Int(number)
  }

  private static func text(_ bytes: [UInt8]) throws -> [Int] {
    try bytes.split(whereSeparator: { $0 == 32 || (9...13).contains($0) }).map { word in
      let text = String(decoding: word, as: UTF8.self)
      guard let id = Int(text) else {
        throw Problem(
          .invalid, "a token id is not an integer", found: String(text.prefix(40)),
          remedy: "give prose with --text-file, or add --bytes if every byte of the file is a token"
        )
      }
      return id
    }
  }
}
