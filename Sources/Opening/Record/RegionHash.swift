import Digests
import Tensors
import Threads

/// A region being hashed a window at a time, so that another can be hashed beside it.
package final class RegionHash: SteppedWork {
  /// Adds a window to hashes of parts of the region, beside its own.
  package typealias AddParts = (_ window: UnsafeRawBufferPointer, inout PendingHash) -> Void

  private let region: ByteRegion
  private let reader: RegionReader
  private var hash = SHA256()
  private var position = 0
  private let addParts: AddParts?
  private let onEnd: (String) throws -> Void
  private let progress: (Int) -> Void

  /// - Parameters:
  ///   - addParts: nil where no part of the region has a hash of its own.
  ///   - progress: called with the bytes that were hashed.
  ///   - onEnd: called with the hash.
  package init(
    _ region: ByteRegion, addParts: AddParts? = nil,
    progress: @escaping (Int) -> Void = { _ in }, onEnd: @escaping (String) throws -> Void
  ) {
    (self.region, self.addParts, self.progress, self.onEnd) = (region, addParts, progress, onEnd)
    reader = RegionReader(region)
  }

  package var isDone: Bool { position == region.count }

  package static func step(_ first: RegionHash, _ second: RegionHash?) throws {
    guard let second, first.addParts == nil, second.addParts == nil,
      first.region.canBeRead(beside: second.region)
    else { return try first.next(first.add) }
    try first.next { bytes in
      try second.next { SHA256.update(&first.hash, bytes, &second.hash, $0) }
    }
  }

  package func finish() throws { try onEnd(hash.text()) }

  private func add(_ bytes: UnsafeRawBufferPointer) {
    var pending = PendingHash(hash, bytes)
    addParts?(bytes, &pending)
    hash = pending.finish()
  }

  /// Calls `body` with the next window.
  private func next(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    let window = position..<min(position + ByteRegion.window, region.count)
    try reader.withBytes(in: window, body)
    position = window.upperBound
    progress(window.count)
  }
}
