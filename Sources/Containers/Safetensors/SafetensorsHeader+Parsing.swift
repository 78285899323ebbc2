import Diagnostics
import JSON
import Tensors

extension SafetensorsHeader {
  /// Reads the header of a file and checks it against the file, in the reference reader's order.
  /// - Parameter file: all bytes of the file; only the header is touched.
  /// - Throws: `Problem` of kind `invalid` for anything the reference refuses, and for what it lets
  ///   through although it can be read in two ways: duplicate keys, unknown fields, unusable names.
  public init(checking file: UnsafeRawBufferPointer) throws {
    let length = try Self.length(file)
    var reader = SafetensorsHeaderReader(UnsafeRawBufferPointer(rebasing: file[8..<8 + length]))
    try reader.read()
    var entries = reader.entries
    if !Self.isOrdered(entries) {
      entries.sort { ($0.begin, $0.end) < ($1.begin, $1.end) }
    }
    try Self.checkLayout(entries)
    let expected = 8 + UInt64(length) + (entries.last?.end ?? 0)
    guard expected == UInt64(file.count) else {
      throw Problem(
        .invalid,
        expected > file.count ? "the file is truncated" : "bytes after the last tensor",
        expected: "\(expected) bytes", found: "\(file.count) bytes")
    }
    self.init(metadata: reader.metadata, entries: entries, stubs: reader.stubs)
  }

  /// The length of the JSON text, checked against the limit and the file.
  private static func length(_ file: UnsafeRawBufferPointer) throws -> Int {
    guard file.count >= 8 else {
      throw Problem(
        .invalid, "too short for a safetensors file", expected: "at least 8 bytes",
        found: "\(file.count) bytes")
    }
    let length = UInt64(littleEndian: file.loadUnaligned(as: UInt64.self))
    guard length <= UInt64(limit) else {
      throw Problem(
        .invalid, "the header is too large for a safetensors file",
        expected: "at most \(limit) bytes", found: "\(length) bytes")
    }
    guard Int(length) <= file.count - 8 else {
      throw Problem(
        .invalid, "the file ends inside its header", expected: "\(8 + length) bytes or more",
        found: "\(file.count) bytes")
    }
    return Int(length)
  }

  private static func isOrdered(_ entries: [Entry]) -> Bool {
    entries.indices.dropFirst().allSatisfy {
      (entries[$0 - 1].begin, entries[$0 - 1].end) <= (entries[$0].begin, entries[$0].end)
    }
  }

  /// Checks that the tensors follow each other and that each fills its place.
  private static func checkLayout(_ entries: [Entry]) throws {
    var position: UInt64 = 0
    for entry in entries {
      guard entry.begin == position, entry.end >= entry.begin else {
        throw Problem(
          .invalid, "the tensors do not follow each other without hole or overlap",
          tensor: entry.name, expected: "data from \(position)",
          found: "data from \(entry.begin) to \(entry.end)")
      }
      try entry.checkSize()
      position = entry.end
    }
  }
}

extension SafetensorsHeader.Entry {
  private var description: String { "\(TensorShape.text(shape)) of \(type.rawValue)" }

  /// Checks that shape and type need exactly the bytes of the range.
  fileprivate func checkSize() throws {
    guard !stridesOverflow else {
      throw Problem(
        .invalid, "the shape overflows", tensor: name,
        expected: "a size that fits 63 bits", found: description)
    }
    guard let size = TensorShape.byteCount(shape, type) else {
      throw Problem(
        .invalid, "the tensor ends inside a byte", tensor: name, expected: "whole bytes",
        found: description)
    }
    guard UInt64(size) == end - begin else {
      throw Problem(
        .invalid, "shape and type do not fit the data", tensor: name,
        expected: "\(size) bytes for \(description)", found: "\(end - begin) bytes")
    }
  }
  /// Whether the bits of all extents but the zeros, as strides multiply them, exceed an `Int`.
  private var stridesOverflow: Bool {
    var bits = type.bitWidth
    for extent in shape where extent > 0 {
      let (product, overflow) = bits.multipliedReportingOverflow(by: extent)
      if overflow { return true }
      bits = product
    }
    return false
  }
}
