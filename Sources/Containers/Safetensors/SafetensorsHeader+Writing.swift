import Diagnostics
import Tensors

extension SafetensorsHeader {
  /// The metadata that every checkpoint written for torch carries.
  public static let torchMetadata: [(key: String, value: String)] = [
    (key: "format", value: "pt")
  ]

  /// Lays tensors out as the reference writer does: by type, widest first, then by name.
  /// - Throws: `Problem` of kind `invalid` for names or shapes that a reader would refuse.
  public init(
    laying tensors: [(name: String, type: ScalarType, shape: [Int])],
    metadata: [(key: String, value: String)] = SafetensorsHeader.torchMetadata
  ) throws {
    let sorted = tensors.sorted {
      $0.type == $1.type
        ? $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
        : $0.type.writingOrder < $1.type.writingOrder
    }
    try Self.checkNames(tensors.map(\.name))
    try Self.checkKeys(metadata.map(\.key))
    var entries: [Entry] = []
    var position: UInt64 = 0
    for tensor in sorted {
      let entry = try Entry(tensor, at: position)
      entries.append(entry)
      position = entry.end
    }
    self.init(metadata: metadata, entries: entries)
  }

  /// The header as it begins a file: its length, then JSON padded with spaces to eight bytes.
  /// - Parameter limit: the largest JSON text that the reader in mind takes.
  /// - Throws: `Problem` of kind `unsupported` where the text is larger.
  public func bytes(limit: Int = SafetensorsHeader.limit) throws -> [UInt8] {
    var text: [UInt8] = [UInt8](repeating: 0, count: 8)
    text.append(UInt8(ascii: "{"))
    appendMetadata(&text)
    for entry in entries {
      if text.count > 9 { text.append(UInt8(ascii: ",")) }
      entry.append(to: &text)
    }
    text.append(UInt8(ascii: "}"))
    while text.count % 8 != 0 { text.append(0x20) }
    let length = text.count - 8
    guard length <= limit else {
      throw Problem(
        .unsupported, "the header would be too large for a safetensors file",
        expected: "at most \(limit) bytes", found: "\(length) bytes",
        remedy: "use more shards")
    }
    withUnsafeBytes(of: UInt64(length).littleEndian) { text.replaceSubrange(0..<8, with: $0) }
    return text
  }

  private func appendMetadata(_ text: inout [UInt8]) {
    guard !metadata.isEmpty else { return }
    text += "\"\(Self.metadataKey)\":{".utf8
    for (index, (key, value)) in metadata.enumerated() {
      if index > 0 { text.append(UInt8(ascii: ",")) }
      appendQuoted(key, to: &text)
      text.append(UInt8(ascii: ":"))
      appendQuoted(value, to: &text)
    }
    text.append(UInt8(ascii: "}"))
  }

  private static func checkNames(_ names: [String]) throws {
    var seen: Set<[UInt8]> = [Array("\(metadataKey)".utf8)]
    for name in names {
      try locating(.tensor(name)) { try StoredName.checkTensor(name) }
      guard seen.insert(Array(name.utf8)).inserted else {
        throw Problem(
          .invalid, "two tensors of one name", tensor: name, expected: "each name once",
          found: "the name is taken")
      }
    }
  }

  private static func checkKeys(_ keys: [String]) throws {
    var seen: Set<[UInt8]> = []
    for key in keys where !seen.insert(Array(key.utf8)).inserted {
      throw Problem(
        .invalid, "two metadata values of one key", expected: "each key once", found: "\"\(key)\"")
    }
  }
}

extension SafetensorsHeader.Entry {
  fileprivate init(_ tensor: (name: String, type: ScalarType, shape: [Int]), at position: UInt64)
    throws
  {
    let size = TensorShape.byteCount(tensor.shape, tensor.type)
    guard let size, !position.addingReportingOverflow(UInt64(size)).overflow,
      position + UInt64(size) <= UInt64(Int.max)
    else {
      throw Problem(
        .invalid, "a shape that fills no whole number of bytes, or too many", tensor: tensor.name,
        expected: "whole bytes",
        found: "\(TensorShape.text(tensor.shape)) of \(tensor.type.rawValue)")
    }
    self.init(
      name: tensor.name, type: tensor.type, shape: tensor.shape, begin: position,
      end: position + UInt64(size))
  }

  fileprivate func append(to text: inout [UInt8]) {
    appendQuoted(name, to: &text)
    text += ":{\"dtype\":\"\(type.rawValue)\",\"shape\":[".utf8
    text += shape.map(String.init).joined(separator: ",").utf8
    text += "],\"data_offsets\":[\(begin),\(end)]}".utf8
  }
}

/// Appends a JSON string with the escapes that the reference writer chooses (serde_json's).
private func appendQuoted(_ string: String, to text: inout [UInt8]) {
  text.append(UInt8(ascii: "\""))
  for byte in string.utf8 {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): text += [UInt8(ascii: "\\"), byte]
    case 0x08: text += "\\b".utf8
    case 0x09: text += "\\t".utf8
    case 0x0a: text += "\\n".utf8
    case 0x0c: text += "\\f".utf8
    case 0x0d: text += "\\r".utf8
    case 0x00..<0x20:
      text += "\\u00\(byte < 16 ? "0" : "")\(String(byte, radix: 16))".utf8
    default: text.append(byte)
    }
  }
  text.append(UInt8(ascii: "\""))
}
