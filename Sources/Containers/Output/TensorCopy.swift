import Tensors

/// A tensor on its way from where it is stored into a weight file, a window at a time, so that another can go on
/// beside it.
package final class TensorCopy {
  private let writer: WeightFileWriter
  private let index: Int
  private let region: ByteRegion
  private let reader: RegionReader
  private var sink: ByteSink
  private var position = 0
  private var sum: UInt32?

  /// Prepares the copy of bytes that become one of the tensors of the plan.
  package init(_ region: ByteRegion, to index: Int, of writer: WeightFileWriter) {
    (self.region, self.index, self.writer) = (region, index, writer)
    reader = RegionReader(region)
    sink = writer.sink(index)
    sum = writer.sum(index)
  }

  /// Whether all bytes are written.
  package var isDone: Bool { position == region.count }

  /// Whether another region can be read beside it: not where both lie in bytes that are made from front to back.
  package func canGoOn(beside other: TensorCopy) -> Bool {
    region.canBeRead(beside: other.region)
  }

  /// Calls `body` with the next window and writes it.
  /// - Throws: what `body` throws, and `Problem` of kind `io`.
  package func next(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    let end = try min(position + sink.room(for: 1), region.count)
    try reader.withBytes(in: position..<end) { window in
      try body(window)
      sum = sum.map { Checksum.crc32(window, after: $0) }
      try sink.write(window)
    }
    position = end
  }

  /// Ends the tensor, once it is done.
  /// - Throws: `Problem` of kind `io`, or `invalid` where the region has another size than the tensor.
  package func finish() throws {
    try sink.close()
    try writer.end(index, count: sink.count, sum: sum)
  }
}
