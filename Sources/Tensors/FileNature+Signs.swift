extension FileNature {
  /// How much of a file is looked at.
  /// - Units: bytes.
  static let sampleCount = 512

  /// Bytes that only one kind of file begins with.
  private static let signs: [(nature: FileNature, start: [UInt8])] = [
    (.gguf, Array("GGUF".utf8)), (.lfsPointer, Array("version https://git-lfs".utf8)),
    (.lfsPointer, Array("version https://hawser".utf8)),
    (.annexPointer, Array("/annex/objects/".utf8)), (.npy, [0x93] + Array("NUMPY".utf8)),
    (.hdf5, [0x89] + Array("HDF\r\n".utf8)), (.ggml, Array("lmgg".utf8)),
    (.ggml, Array("fmgg".utf8)), (.ggml, Array("tjgg".utf8)), (.ggml, Array("algg".utf8)),
    (.archive, [0x1f, 0x8b]), (.archive, [0x28, 0xb5, 0x2f, 0xfd]),
    (.archive, [0xfd] + Array("7zXZ".utf8)), (.archive, Array("BZh".utf8)),
    (.archive, [0x37, 0x7a, 0xbc, 0xaf]), (.archive, Array("Rar!".utf8)),
  ]

  /// Looks at the first bytes of a file; nil where they do not tell, also for an empty file.
  public init?(_ bytes: UnsafeRawBufferPointer) {
    let head = Array(bytes.prefix(Self.sampleCount))
    let sign = Self.signs.first { head.starts(with: $0.start) }?.nature
    guard
      let nature = sign ?? Self.ofArchive(head) ?? Self.ofPickle(head)
        ?? Self.ofHeader(head, bytes.count) ?? Self.ofZeros(head) ?? Self.ofText(head)
    else { return nil }
    self = nature
  }

  /// Tells zip archives apart by the name of their first entry, and recognises tar archives.
  private static func ofArchive(_ head: [UInt8]) -> FileNature? {
    if head.dropFirst(257).starts(with: "ustar".utf8) { return .archive }
    guard head.starts(with: [0x50, 0x4b, 3, 4]), head.count >= 30 else { return nil }
    let length = Int(head[26]) | Int(head[27]) << 8
    let name = String(decoding: head.dropFirst(30).prefix(length), as: UTF8.self)
    if name.hasSuffix(".npy") { return .npz }
    let inside = name.split(separator: "/").dropFirst().joined(separator: "/")
    let isTorch = ["data.pkl", "byteorder", "version", ".format_version"].contains(inside)
    return isTorch ? .torch : .archive
  }

  /// A pickle: of torch where it begins with the number that marks those.
  private static func ofPickle(_ head: [UInt8]) -> FileNature? {
    guard head.count > 2, head[0] == 0x80, (2...5).contains(head[1]) else { return nil }
    let magic: [UInt8] = [0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20]
    let start = head.prefix(24)
    return start.indices.contains { start[$0...].starts(with: magic) } ? .torch : .pickle
  }

  /// A safetensors file: the length of a header that fits the file, and an object.
  private static func ofHeader(_ head: [UInt8], _ count: Int) -> FileNature? {
    guard head.count > 8, head[8] == UInt8(ascii: "{") else { return nil }
    let length = head.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    return length < UInt64(count) ? .safetensors : nil
  }

  private static func ofZeros(_ head: [UInt8]) -> FileNature? {
    head.count >= 64 && head.allSatisfy { $0 == 0 } ? .zeros : nil
  }

  private static func ofText(_ head: [UInt8]) -> FileNature? {
    guard let text = text(head) else { return nil }
    let start = text.drop { $0.isWhitespace || $0 == "\u{feff}" }.lowercased()
    if start.hasPrefix("<!doctype html") || start.hasPrefix("<") && start.contains("<html") {
      return .webPage
    }
    if start.hasPrefix("<?xml") { return .answer }
    if start.hasPrefix("{") || start.hasPrefix("[") { return .json }
    // A pickle of the first protocol is letters and ends with a full stop.
    if start.hasPrefix("("), head.count < sampleCount, head.last == 0x2e { return .pickle }
    return head.count < 8 ? nil : .text  // so few bytes are letters by chance
  }

  /// The bytes as text, without a letter that is cut at the end; nil where they are none.
  private static func text(_ head: [UInt8]) -> String? {
    let whole = head.count < sampleCount ? head[...] : head[..<(head.lastIndex { $0 < 0x80 } ?? 0)]
    guard !whole.isEmpty, whole.allSatisfy({ $0 >= 32 || (9...13).contains($0) }) else {
      return nil
    }
    return String(validating: whole, as: UTF8.self)
  }
}
