import Synchronization

/// Bytes that are put together when they are first needed, such as the rows of a tensor that lie in
/// several files.
///
/// - Cost: memory for the bytes while somebody is inside `withBytes`, and for good once `bytes` was
///   asked for.
public final class DeferredBytes: ByteStorage {
  /// The number of bytes.
  public let count: Int
  private let fill: @Sendable (UnsafeMutableRawBufferPointer) -> Void
  private let state = Mutex(State())

  private struct State {
    var bytes: OwnedBytes?
    var users = 0
  }

  /// Bytes that `fill` will write, all of them, as often as it is asked.
  public init(count: Int, fill: @escaping @Sendable (UnsafeMutableRawBufferPointer) -> Void) {
    self.count = count
    self.fill = fill
  }

  /// The bytes, kept from now on.
  public var bytes: UnsafeRawBufferPointer { enter().bytes }

  /// Calls `body` with the bytes; the last one to leave gives them up.
  public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows
    -> Result
  {
    let held = enter()
    defer { leave() }
    return try withExtendedLifetime(held) { try body(held.bytes) }
  }

  private func enter() -> OwnedBytes {
    state.withLock { state in
      state.users += 1
      if let bytes = state.bytes { return bytes }
      let bytes = OwnedBytes(count: count)
      fill(bytes.mutableBytes)
      state.bytes = bytes
      return bytes
    }
  }

  private func leave() {
    state.withLock { state in
      state.users -= 1
      if state.users == 0 { state.bytes = nil }
    }
  }
}
