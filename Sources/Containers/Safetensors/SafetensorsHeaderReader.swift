import Diagnostics
import JSON
import Tensors

/// Reads the JSON of a safetensors header in one pass, without building a document.
struct SafetensorsHeaderReader {
  private var scanner: JSONScanner
  private(set) var metadata: [(key: String, value: String)] = []
  private(set) var entries: [SafetensorsHeader.Entry] = []
  /// Names without a type and without bytes, which the consolidation of torch leaves where a file lacks
  /// what its plan names.
  private(set) var stubs: [String] = []
  /// The type that was read last, which most entries share with the one before.
  private var last: (text: JSONText, type: ScalarType)?

  init(_ json: UnsafeRawBufferPointer) { scanner = JSONScanner(json) }

  /// Reads the whole text.
  mutating func read() throws {
    var names = JSONKeySet()
    try scanner.beginObject()
    while let key = try scanner.nextKey(notIn: &names) {
      if key.isEqual(to: SafetensorsHeader.metadataKey) {
        try readMetadata()
      } else {
        try readEntry(key)
      }
    }
    try scanner.end()
  }

  /// Reads the pairs, or `null` in their place, as mlx writes it.
  private mutating func readMetadata() throws {
    if try scanner.nextKind() == .null { return try scanner.null() }
    var keys = JSONKeySet()
    try scanner.beginObject()
    while let key = try scanner.nextKey(notIn: &keys) {
      metadata.append((key: key.string, value: try scanner.text().string))
    }
  }

  private mutating func readEntry(_ key: JSONText) throws {
    let name = key.string
    try locating(.tensor(name)) {
      // Control characters can only be written as escapes.
      if key.hasEscapes || name.isEmpty { try StoredName.checkTensor(name) }
      if let entry = try entry(name) { entries.append(entry) } else { stubs.append(name) }
    }
  }

  /// - Returns: nil for an entry of no type, which has no bytes.
  private mutating func entry(_ name: String) throws -> SafetensorsHeader.Entry? {
    var type: ScalarType??
    var shape: [Int]?
    var offsets: (begin: UInt64, end: UInt64)?
    try scanner.beginObject()
    while let field = try scanner.nextKey() {
      if field.isEqual(to: "dtype"), type == nil {
        type = try scalarType()
      } else if field.isEqual(to: "shape"), shape == nil {
        shape = try extents()
      } else if field.isEqual(to: "data_offsets"), offsets == nil {
        offsets = try dataOffsets()
      } else {
        throw unexpected(field.string)
      }
    }
    guard let type, let shape, let offsets else {
      throw Problem(
        .invalid, "a field is missing", expected: "dtype, shape and data_offsets",
        found: [
          type.map { _ in "dtype" }, shape.map { _ in "shape" },
          offsets.map { _ in "data_offsets" },
        ]
        .compactMap(\.self).joined(separator: " and "))
    }
    guard let type else {
      guard offsets.begin == offsets.end else { throw unknown("") }
      return nil
    }
    return .init(name: name, type: type, shape: shape, begin: offsets.begin, end: offsets.end)
  }

  private func unexpected(_ field: String) -> Problem {
    let isKnown = ["dtype", "shape", "data_offsets"].contains(field)
    return scanner.problem(
      isKnown ? "a field occurs twice" : "an unknown field", at: scanner.position,
      expected: "dtype, shape and data_offsets, each once", found: "\"\(field)\"")
  }

  /// The type; nil where the text is empty.
  private mutating func scalarType() throws -> ScalarType? {
    let name = try scanner.text()
    if let last, name.isEqual(to: last.text) { return last.type }
    let text = name.string
    if text.isEmpty { return nil }
    guard let type = ScalarType(rawValue: text), !type.isBlock else { throw unknown(text) }
    last = (name, type)
    return type
  }

  private func unknown(_ type: String) -> Problem {
    scanner.problem(
      "an unknown type", at: scanner.position,
      expected: "one of " + ScalarType.plain.map(\.rawValue).joined(separator: " "),
      found: "\"\(type)\"")
  }

  private mutating func extents() throws -> [Int] {
    var shape: [Int] = []
    shape.reserveCapacity(4)
    try scanner.beginArray()
    while try scanner.nextElement() {
      let extent = try scanner.unsigned()
      guard let extent = Int(exactly: extent) else {
        throw Problem(
          .invalid, "the shape overflows", expected: "extents that fit 63 bits", found: "\(extent)")
      }
      shape.append(extent)
    }
    return shape
  }

  private mutating func dataOffsets() throws -> (UInt64, UInt64) {
    try scanner.beginArray()
    var numbers: (UInt64, UInt64) = (0, 0)
    var count = 0
    while try scanner.nextElement() {
      numbers = (numbers.1, try scanner.unsigned())
      count += 1
    }
    guard count == 2 else {
      throw scanner.problem(
        "data_offsets must be a pair", at: scanner.position, expected: "2 numbers",
        found: "\(count) numbers")
    }
    return numbers
  }
}
