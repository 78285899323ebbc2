import Diagnostics
import Tensors

extension GGUFHeader {
  /// Lays tensors out one after the other.
  /// - Throws: `Problem` of kind `unsupported` for a type, name or shape that ggml does not take,
  ///   `invalid` for names and keys that occur twice.
  init(laying tensors: [(name: String, type: ScalarType, shape: [Int])], metadata: Metadata) throws
  {
    let alignment = try Self.checkAlignment(
      metadata.first { $0.key == Self.alignmentKey }?.value)
    try Self.checkUnique(tensors.map(\.name), "two tensors of one name")
    try Self.checkUnique(metadata.map(\.key), "two metadata values of one key")
    var position = 0
    var entries: [Entry] = []
    for (name, type, shape) in tensors {
      try locating(.tensor(name)) { try Self.check(name, type, shape) }
      let entry = Entry(name: name, type: type, shape: shape, offset: position)
      let (end, overflow) = position.addingReportingOverflow(entry.byteCount)
      guard !overflow else {
        throw Problem(.invalid, "the tensors do not fit a file", tensor: name)
      }
      position = try Self.padded(end, to: alignment)
      entries.append(entry)
    }
    let length = Self.bytes(metadata, entries).count
    self.init(
      metadata: metadata, entries: entries, dataStart: try Self.padded(length, to: alignment),
      alignment: alignment)
  }

  /// The size of the data with all zeros between tensors and after the last.
  /// - Units: bytes.
  var dataCount: Int {
    guard let last = entries.last else { return 0 }
    return (try? Self.padded(last.offset + last.byteCount, to: alignment)) ?? 0
  }

  /// The header as it begins a file, up to the data.
  var bytes: [UInt8] {
    let bytes = Self.bytes(metadata, entries)
    return bytes + [UInt8](repeating: 0, count: dataStart - bytes.count)
  }

  private static func bytes(_ metadata: Metadata, _ entries: [Entry]) -> [UInt8] {
    var bytes = magic + GGUFValue.little(version)
    bytes += GGUFValue.little(UInt64(entries.count)) + GGUFValue.little(UInt64(metadata.count))
    for (key, value) in metadata {
      bytes += GGUFValue(key).bytes + GGUFValue.little(value.type.rawValue)
      bytes += value.bytes
    }
    for entry in entries {
      bytes += GGUFValue(entry.name).bytes + GGUFValue.little(UInt32(entry.shape.count))
      for extent in entry.shape.reversed() { bytes += GGUFValue.little(UInt64(extent)) }
      bytes += GGUFValue.little(GGUFTensorTypes.code(of: entry.type) ?? 0)
      bytes += GGUFValue.little(UInt64(entry.offset))
    }
    return bytes
  }

  private static func check(_ name: String, _ type: ScalarType, _ shape: [Int]) throws {
    try StoredName.checkTensor(name)
    guard name.utf8.count <= longestName else {
      throw Problem(
        .unsupported, "the name is too long for GGUF", expected: "at most \(longestName) bytes",
        found: "\(name.utf8.count) bytes")
    }
    guard GGUFTensorTypes.code(of: type) != nil else {
      throw Problem(.unsupported, "GGUF has no such type", found: type.rawValue)
    }
    guard shape.count <= mostDimensions else {
      throw Problem(
        .unsupported, "GGUF has no tensors of so many extents",
        expected: "at most \(mostDimensions)", found: TensorShape.shortText(shape))
    }
    guard (shape.last ?? 1) % type.unit.elements == 0, TensorShape.byteCount(shape, type) != nil
    else {
      throw Problem(
        .unsupported, "rows of the tensor do not fill whole blocks",
        expected: "a multiple of \(type.unit.elements) for \(type.rawValue)",
        found: TensorShape.text(shape))
    }
  }

  private static func checkUnique(_ names: [String], _ what: String) throws {
    var seen: Set<[UInt8]> = []
    for name in names where !seen.insert(Array(name.utf8)).inserted {
      throw Problem(.invalid, what, expected: "each once", found: "\"\(name)\"")
    }
  }
}
