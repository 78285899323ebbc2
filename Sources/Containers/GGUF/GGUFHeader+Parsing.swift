import Diagnostics
import Tensors

extension GGUFHeader {
  /// Reads the header of a file and checks it against the file.
  /// - Parameter file: all bytes of the file; only the header is touched.
  /// - Throws: `Problem` of kind `unsupported` for a big-endian file and unknown versions, `invalid`
  ///   for anything that llama.cpp refuses and for bytes that belong to no tensor.
  public init(checking file: UnsafeRawBufferPointer) throws {
    var cursor = GGUFCursor(file)
    try Self.checkStart(&cursor)
    let tensorCount = try cursor.read(UInt64.self)
    let metadata = try Self.readMetadata(&cursor)
    let alignment = try Self.checkAlignment(metadata.first { $0.key == Self.alignmentKey }?.value)
    guard tensorCount <= UInt64(cursor.remaining / 24) else {
      throw Problem(
        .invalid, "more tensors than the file has room for",
        expected: "at most \(cursor.remaining / 24)", found: "\(tensorCount)")
    }
    let entries = try Self.readEntries(Int(tensorCount), &cursor, alignment: alignment)
    let dataStart = try Self.padded(cursor.position, to: alignment)
    try Self.checkEnd(file.count, dataStart, entries, alignment)
    self.init(metadata: metadata, entries: entries, dataStart: dataStart, alignment: alignment)
  }

  private static func checkStart(_ cursor: inout GGUFCursor) throws {
    guard cursor.remaining >= magic.count, cursor.bytes.prefix(4).elementsEqual(magic) else {
      throw Problem(
        .invalid, "not a GGUF file", expected: "GGUF as the first bytes", found: "other bytes")
    }
    try cursor.skip(4)
    let version = try cursor.read(UInt32.self)
    // Versions are small numbers: only in the other byte order is the lower half zero.
    if version & 0xffff == 0 {
      throw Problem(
        .unsupported, "a big-endian GGUF file", expected: "little-endian numbers",
        found: "version \(version.byteSwapped) in the other order",
        remedy: "convert it with gguf_convert_endian.py of llama.cpp")
    }
    guard (2...3).contains(version) else {
      throw Problem(
        .unsupported, "a version of GGUF that is not read", expected: "2 or 3", found: "\(version)")
    }
  }

  private static func readMetadata(_ cursor: inout GGUFCursor) throws -> Metadata {
    let count = try cursor.count(of: "metadata", atLeast: 13)
    var metadata: Metadata = []
    var keys: Set<[UInt8]> = []
    for _ in 0..<count {
      let key = try cursor.text()
      try StoredName.checkKey(key)
      guard keys.insert(Array(key.utf8)).inserted else {
        throw Problem(
          .invalid, "two metadata values of one key", expected: "each key once", found: "\"\(key)\""
        )
      }
      metadata.append((key, try cursor.value()))
    }
    return metadata
  }

  private static func readEntries(_ count: Int, _ cursor: inout GGUFCursor, alignment: Int) throws
    -> [Entry]
  {
    var entries: [Entry] = []
    var names: Set<[UInt8]> = []
    var position = 0
    for _ in 0..<count {
      let name = try cursor.text()
      try StoredName.checkTensor(name)
      guard names.insert(Array(name.utf8)).inserted else {
        throw Problem(
          .invalid, "a tensor is stored twice", tensor: name, expected: "each name once")
      }
      let entry = try locating(.tensor(name)) {
        try readEntry(name, &cursor, at: position)
      }
      let (end, overflow) = position.addingReportingOverflow(entry.byteCount)
      guard !overflow else { throw Problem(.invalid, "the shape overflows", tensor: name) }
      position = try padded(end, to: alignment)
      entries.append(entry)
    }
    return entries
  }

  private static func readEntry(_ name: String, _ cursor: inout GGUFCursor, at position: Int) throws
    -> Entry
  {
    // Extents and type.
    let shape = try readShape(&cursor)
    let code = try cursor.read(UInt32.self)
    guard let type = GGUFTensorTypes.type(of: code) else {
      throw Problem(
        .unsupported, "a type that ggml does not have", expected: "a type of ggml",
        found: GGUFTensorTypes.description(ofForeign: code),
        remedy:
          "take a file in types of llama.cpp itself, or requantise it with the program that made it"
      )
    }
    // Rows are whole blocks, and the size is a number.
    let row = shape.last ?? 1
    guard row % type.unit.elements == 0 else {
      throw Problem(
        .invalid, "a row ends inside a block",
        expected: "a multiple of \(type.unit.elements) for \(type.rawValue)", found: "\(row)")
    }
    guard TensorShape.byteCount(shape, type) != nil else {
      throw Problem(
        .invalid, "the shape overflows", expected: "a size that fits 63 bits",
        found: "\(TensorShape.text(shape)) of \(type.rawValue)")
    }
    // The data follow those of the tensor before.
    let offset = try cursor.read(UInt64.self)
    guard offset == UInt64(position) else {
      throw Problem(
        .invalid, "the tensors do not follow each other without hole or overlap",
        expected: "data from \(position)", found: "data from \(offset)")
    }
    return Entry(name: name, type: type, shape: shape, offset: position)
  }

  private static func readShape(_ cursor: inout GGUFCursor) throws -> [Int] {
    let dimensions = try cursor.read(UInt32.self)
    guard dimensions <= mostDimensions else {
      throw Problem(
        .invalid, "too many extents", expected: "at most \(mostDimensions)", found: "\(dimensions)")
    }
    var shape: [Int] = []
    for _ in 0..<dimensions {
      let extent = try cursor.read(UInt64.self)
      guard let extent = Int(exactly: extent) else {
        throw Problem(
          .invalid, "the shape overflows", expected: "extents that fit 63 bits", found: "\(extent)")
      }
      shape.insert(extent, at: 0)
    }
    return shape
  }

  /// The file must hold all tensors and may end with or without the zeros after the last.
  private static func checkEnd(_ size: Int, _ start: Int, _ entries: [Entry], _ alignment: Int)
    throws
  {
    guard let last = entries.last else { return }
    let (end, overflow) = start.addingReportingOverflow(last.offset + last.byteCount)
    guard !overflow, size >= end else {
      throw Problem(
        .invalid, "the file is truncated", expected: overflow ? "more bytes" : "\(end) bytes",
        found: "\(size) bytes")
    }
    let padded = try padded(end, to: alignment)
    guard size <= padded else {
      throw Problem(
        .invalid, "bytes after the last tensor", expected: "at most \(padded) bytes",
        found: "\(size) bytes")
    }
  }
}
