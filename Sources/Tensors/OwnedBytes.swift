import Diagnostics
import Platform

/// Zeroed bytes on the heap, aligned for vector loads and freed with their owner.
public final class OwnedBytes: ByteStorage, @unchecked Sendable {
  private let buffer: UnsafeMutableRawBufferPointer

  /// Allocates a few zeroed bytes.
  /// - Units: bytes.
  public init(count: Int) {
    guard let zeros = Self.zeros(count) else { fatalError("not enough memory for \(count) bytes") }
    buffer = zeros
  }

  /// Allocates zeroed bytes, however many.
  /// - Throws: `Problem` of kind `io` where the system has not that much memory.
  public init(reserving count: Int) throws {
    guard count <= MachineMemory.limit, let zeros = Self.zeros(count) else {
      throw Problem(
        .io, "not enough memory", expected: "at most \(MachineMemory.limit) bytes",
        found: "\(count) bytes",
        remedy: "free some memory, or use a machine with more")
    }
    buffer = zeros
  }

  /// Allocates bytes and fills them with the little-endian form of F32 values.
  public convenience init(_ values: [Float]) {
    self.init(count: values.count * 4)
    values.withUnsafeBytes { buffer.copyMemory(from: $0) }
  }

  /// Allocates bytes and fills them.
  public convenience init(_ bytes: [UInt8]) {
    self.init(count: bytes.count)
    buffer.copyBytes(from: bytes)
  }

  private static func zeros(_ count: Int) -> UnsafeMutableRawBufferPointer? {
    var memory: UnsafeMutableRawPointer?
    guard posix_memalign(&memory, 64, max(count, 1)) == 0 else { return nil }
    let zeros = UnsafeMutableRawBufferPointer(start: memory, count: count)
    zeros.initializeMemory(as: UInt8.self, repeating: 0)
    return zeros
  }

  deinit { free(buffer.baseAddress) }

  /// The bytes; valid while the owner is referenced.
  public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(buffer) }

  /// The number of bytes.
  public var count: Int { buffer.count }

  /// The same bytes for filling; only while nobody else reads them.
  public var mutableBytes: UnsafeMutableRawBufferPointer { buffer }
}
