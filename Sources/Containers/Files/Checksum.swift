import CZlib
import Diagnostics
import Tensors

/// Something that bytes must fulfil and that costs reading them.
public protocol PayloadCheck: Sendable {
  /// Checks the bytes.
  /// - Throws: `Problem` of kind `invalid` where they are not as they should be.
  func check() throws
}

/// Stored bytes and the CRC-32 that they must have.
public struct Checksum: PayloadCheck {
  /// What the bytes are called in their file.
  public let name: String
  /// The bytes.
  public let region: ByteRegion
  /// The CRC-32 that the file gives.
  public let value: UInt32

  /// Checks the bytes.
  /// - Throws: `Problem` of kind `invalid` where they are damaged.
  /// - Cost: reads the bytes once.
  public func check() throws {
    var found: UInt32 = 0
    try region.forEachWindow { found = Self.crc32($0, after: found) }
    guard found == value else { throw Self.damage(name, expected: value, found: found) }
  }

  static func damage(_ name: String, expected: UInt32, found: UInt32) -> Problem {
    Problem(
      .invalid, "the entry \(name) of the archive is damaged",
      expected: "CRC-32 \(hex(expected))", found: hex(found), remedy: "fetch the file again")
  }

  private static func hex(_ value: UInt32) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }

  /// The CRC-32 of bytes, going on from that of the bytes before them.
  static func crc32(_ bytes: UnsafeRawBufferPointer, after start: UInt32 = 0) -> UInt32 {
    guard let address = bytes.baseAddress else { return start }
    return UInt32(
      truncatingIfNeeded: crc32_z(
        UInt(start), address.assumingMemoryBound(to: UInt8.self), bytes.count))
  }
}
