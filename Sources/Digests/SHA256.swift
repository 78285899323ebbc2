import CSHA256

/// A SHA-256 of bytes that come in pieces.
package struct SHA256: Sendable {
  private var hash = sha256_begin()

  /// The hash of nothing yet.
  package init() {}

  /// Adds bytes.
  /// - Cost: one pass over the bytes.
  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    sha256_update(&hash, bytes.baseAddress, bytes.count)
  }

  /// Adds bytes to one hash and others to another.
  /// - Cost: about as much as the longer of both alone, where the processor has instructions for SHA-256.
  package static func update(
    _ first: inout SHA256, _ bytes: UnsafeRawBufferPointer, _ second: inout SHA256,
    _ others: UnsafeRawBufferPointer
  ) {
    sha256_update_two(
      &first.hash, bytes.baseAddress, bytes.count, &second.hash, others.baseAddress, others.count)
  }

  /// The 32 bytes of the hash of all bytes so far.
  package func digest() -> [UInt8] {
    var hash = hash
    return [UInt8](unsafeUninitializedCapacity: 32) { digest, filled in
      sha256_end(&hash, digest.baseAddress)
      filled = 32
    }
  }

  /// The hash as lower-case hexadecimal digits.
  package func text() -> String { Hexadecimal.text(digest()) }

  /// The hash of some bytes as lower-case hexadecimal digits.
  package static func text(of bytes: [UInt8]) -> String {
    var hash = SHA256()
    bytes.withUnsafeBytes { hash.update($0) }
    return hash.text()
  }
}
