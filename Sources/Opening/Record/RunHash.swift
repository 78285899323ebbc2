import Digests
import Tensors

/// The hash of bytes that come in runs, short ones gathered first.
package struct RunHash {
  private var hash = SHA256()
  /// Short runs, from the first on: a tensor of very many parts has a hash of each, and its runs are long.
  private var gathered: OwnedBytes?
  private var filled = 0
  private static let size = 64 << 10

  /// The hash of nothing yet.
  package init() {}

  /// Adds a run.
  /// - Parameter add: adds bytes to the hash.
  package mutating func update(
    _ run: UnsafeRawBufferPointer,
    by add: (inout SHA256, UnsafeRawBufferPointer) -> Void = { $0.update($1) }
  ) {
    if filled + run.count > Self.size { flush(add) }
    if run.count > Self.size { return add(&hash, run) }
    let gathered = gathered ?? OwnedBytes(count: Self.size)
    self.gathered = gathered
    UnsafeMutableRawBufferPointer(rebasing: gathered.mutableBytes[filled...])
      .copyMemory(from: run)
    filled += run.count
  }

  /// The hash of all runs.
  package mutating func finish() -> String {
    flush { $0.update($1) }
    return hash.text()
  }

  private mutating func flush(_ add: (inout SHA256, UnsafeRawBufferPointer) -> Void) {
    guard let gathered else { return }
    add(&hash, UnsafeRawBufferPointer(rebasing: gathered.bytes[..<filled]))
    filled = 0
  }
}

/// A hash and bytes that are still to be added to it, which go beside those of other hashes.
package struct PendingHash {
  private var hash: SHA256
  private var rest: UnsafeRawBufferPointer

  /// Bytes to be added to a hash.
  package init(_ hash: SHA256, _ bytes: UnsafeRawBufferPointer) {
    (self.hash, rest) = (hash, bytes)
  }

  /// Adds bytes to another hash, and as many of those that are left to this one.
  package mutating func add(_ bytes: UnsafeRawBufferPointer, to other: inout SHA256) {
    let count = min(bytes.count, rest.count)
    SHA256.update(&other, bytes, &hash, UnsafeRawBufferPointer(rebasing: rest[..<count]))
    rest = UnsafeRawBufferPointer(rebasing: rest[count...])
  }

  /// The hash with all of its bytes.
  package consuming func finish() -> SHA256 {
    hash.update(rest)
    return hash
  }
}
