import Containers
import Diagnostics
import Threads

/// A tensor whose bytes go into a file as they are, hashed on the way, a window at a time, so that another can be
/// hashed beside it.
final class CopiedTensor: SteppedWork {
  private let name: String
  private let copy: TensorCopy
  private let hashes: MoveHashes
  private let progress: @Sendable (Int) -> Void
  private let onEnd: (MoveHashes) throws -> Void

  /// - Parameters:
  ///   - progress: called with the bytes that were written.
  ///   - onEnd: called once all are.
  init(
    _ tensor: CheckpointPlan.Tensor, _ copy: TensorCopy,
    _ progress: @escaping @Sendable (Int) -> Void, onEnd: @escaping (MoveHashes) throws -> Void
  ) {
    name = tensor.name
    hashes = MoveHashes(tensor)
    (self.copy, self.progress, self.onEnd) = (copy, progress, onEnd)
  }

  var isDone: Bool { copy.isDone }

  static func step(_ first: CopiedTensor, _ second: CopiedTensor?) throws {
    guard let second, first.copy.canGoOn(beside: second.copy) else {
      return try first.next { first.hashes.add($0) }
    }
    try first.next { bytes in
      try second.next { MoveHashes.add(bytes, to: first.hashes, $0, to: second.hashes) }
    }
  }

  func finish() throws {
    try locating(.tensor(name)) { try copy.finish() }
    try onEnd(hashes)
  }

  private func next(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    try locating(.tensor(name)) {
      try copy.next { bytes in
        try body(bytes)
        progress(bytes.count)
      }
    }
  }
}
