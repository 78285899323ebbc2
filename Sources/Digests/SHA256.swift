import CSHA256

/// SHA-256 of bytes that come in pieces, as FIPS 180-4 defines it.
///
/// It uses the instructions that processors have for it, where there are some.
public struct SHA256: Sendable {
  private static let hasInstructions = sha256_has_instructions()
  private static let blockSize = 64

  private var state = sha256_state(
    words: (
      0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a,
      0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19
    ))
  /// The bytes of a block that is not full.
  private var block = sha256_block()
  private var count: UInt64 = 0
  private let usesInstructions: Int32

  /// The hash of nothing so far.
  public init() { usesInstructions = Self.hasInstructions }

  /// The hash of nothing so far, computed as on a processor without instructions for it.
  init(usesInstructions: Bool) {
    self.usesInstructions = usesInstructions ? Self.hasInstructions : 0
  }

  /// The hash of bytes.
  public static func hash(_ bytes: [UInt8]) -> [UInt8] {
    var hash = SHA256()
    bytes.withUnsafeBytes { hash.update($0) }
    return hash.finalize()
  }

  /// Adds bytes.
  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    let rest = fill(with: bytes)
    let whole = rest.count / Self.blockSize
    if let start = rest.baseAddress, whole > 0 {
      sha256_add(&state, start.assumingMemoryBound(to: UInt8.self), whole, usesInstructions)
    }
    let last = UnsafeRawBufferPointer(rebasing: rest[(whole * Self.blockSize)...])
    withUnsafeMutableBytes(of: &block) { $0.copyMemory(from: last) }
  }

  /// Completes the block that has been begun.
  /// - Returns: the bytes behind it; none while it is not full.
  private mutating func fill(with bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    let filled = Int(count % UInt64(Self.blockSize))
    count += UInt64(bytes.count)
    guard filled > 0 else { return bytes }
    let taken = min(Self.blockSize - filled, bytes.count)
    withUnsafeMutableBytes(of: &block) { block in
      UnsafeMutableRawBufferPointer(rebasing: block[filled..<filled + taken])
        .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<taken]))
    }
    if filled + taken == Self.blockSize { addBlock() }
    return UnsafeRawBufferPointer(rebasing: bytes[taken...])
  }

  private mutating func addBlock() {
    withUnsafeBytes(of: block) { bytes in
      guard let start = bytes.baseAddress else { return }
      sha256_add(&state, start.assumingMemoryBound(to: UInt8.self), 1, usesInstructions)
    }
  }

  /// The hash of all bytes so far, 32 of them.
  public func finalize() -> [UInt8] {
    var copy = self
    let zeros = (2 * Self.blockSize - 9 - Int(count % UInt64(Self.blockSize))) % Self.blockSize
    let length = withUnsafeBytes(of: (count &* 8).bigEndian) { Array($0) }
    let padding = [0x80] + [UInt8](repeating: 0, count: zeros) + length
    padding.withUnsafeBytes { copy.update($0) }
    return withUnsafeBytes(of: copy.state.words) { words in
      words.bindMemory(to: UInt32.self).flatMap { word in
        withUnsafeBytes(of: word.bigEndian) { Array($0) }
      }
    }
  }
}
