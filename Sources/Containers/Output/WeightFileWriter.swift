import Diagnostics
import Synchronization
import SystemPackage

/// A new weight file whose tensors are written in any order, by several threads at a time.
public final class WeightFileWriter: Sendable {
  private let path: FilePath
  private let plan: WeightFilePlan
  private let descriptor: FileDescriptor
  private let state: Mutex<State>

  private struct State {
    var sums: [UInt32]
    var isOpen = true
  }

  /// The size of the file.
  /// - Units: bytes.
  public var size: Int { plan.count }

  /// Creates the file, reserves its blocks and writes what is known beforehand.
  /// - Throws: `Problem` of kind `exists` where the file cannot be created, `io` where the disk has no
  ///   room.
  public init(creating location: some FileLocation, _ plan: WeightFilePlan) throws {
    path = location.place.path
    self.plan = plan
    descriptor = try location.place.create(reserving: plan.count)
    state = Mutex(State(sums: plan.slots.map { $0.sum ?? 0 }))
    do { try descriptor.resize(to: Int64(plan.count)) } catch let error as Errno {
      throw FileSystem.failure("cannot write", path, error)
    }
    try plan.frames.forEach(put)
  }

  deinit {
    if state.withLock({ $0.isOpen }) { try? descriptor.close() }
  }

  /// Writes a tensor.
  /// - Parameters:
  ///   - index: which of the tensors of the plan.
  ///   - capacity: the size of the buffer.
  ///   - onBytes: called with the bytes in their order as they go to the file.
  ///   - produce: writes all bytes of the tensor.
  /// - Throws: `Problem`, also of kind `invalid` where another number of bytes is produced.
  public func write<Result>(
    _ index: Int, capacity: Int = ByteSink.capacity,
    onBytes: (UnsafeRawBufferPointer) -> Void = { _ in },
    _ produce: (inout ByteSink) throws -> Result
  ) throws -> Result {
    let slot = plan.slots[index]
    var sum = slot.sum
    return try withoutActuallyEscaping(onBytes) { onBytes in
      var sink = ByteSink(descriptor, path: path, at: slot.offset, capacity: capacity) { bytes in
        sum = sum.map { Checksum.crc32(bytes, after: $0) }
        onBytes(bytes)
      }
      let result = try produce(&sink)
      try sink.close()
      try end(index, count: sink.count, sum: sum)
      return result
    }
  }

  /// The place of a tensor, to be written and closed by the caller, who then calls `end`.
  func sink(_ index: Int) -> ByteSink {
    ByteSink(
      descriptor, path: path, at: plan.slots[index].offset, capacity: ByteSink.capacity,
      onBytes: nil)
  }

  /// The CRC-32 of what stands before a tensor and shares its checksum; nil where none is kept.
  func sum(_ index: Int) -> UInt32? { plan.slots[index].sum }

  /// Ends a tensor.
  /// - Parameter sum: the CRC-32 that includes its bytes.
  /// - Throws: `Problem` of kind `invalid` where another number of bytes was written than it has.
  func end(_ index: Int, count: Int, sum: UInt32?) throws {
    let slot = plan.slots[index]
    guard count == slot.count else {
      throw Problem(
        .invalid, "another number of bytes was produced than the tensor has", file: path.string,
        expected: "\(slot.count) bytes", found: "\(count) bytes")
    }
    if let sum { state.withLock { $0.sums[index] = sum } }
  }

  /// Writes the frames that depend on the tensors, waits for the disk and closes the file.
  /// - Throws: `Problem` of kind `io`.
  /// - Cost: one fsync.
  public func finish() throws {
    try plan.ending(state.withLock { $0.sums }).forEach(put)
    do {
      try FileSystem.synchronise(descriptor, path)
      state.withLock { $0.isOpen = false }
      try descriptor.close()
    } catch let error as Errno {
      throw FileSystem.failure("cannot write", path, error)
    }
  }

  private func put(_ frame: WeightFilePlan.Frame) throws {
    do {
      try frame.bytes.withUnsafeBytes {
        _ = try descriptor.writeAll(toAbsoluteOffset: Int64(frame.offset), $0)
      }
    } catch let error as Errno {
      throw FileSystem.failure("cannot write", path, error)
    }
  }

  /// Writes a new file with tensors one after the other.
  static func write(
    _ tensors: [TensorToWrite], _ plan: WeightFilePlan, to location: some FileLocation
  ) throws {
    let writer = try WeightFileWriter(creating: location, plan)
    for (index, tensor) in tensors.enumerated() {
      try locating(.tensor(tensor.name)) {
        try writer.write(index, tensor.produce)
      }
    }
    try writer.finish()
  }
}
