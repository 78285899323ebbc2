import Tensors

extension WeightFilePlan {
  /// Whether a file has the size of the plan, and around its tensors the bytes of the plan.
  /// - Cost: reads the tensors once where the file keeps checksums.
  public func surrounds(_ file: MappedFile) -> Bool {
    guard file.count == count else { return false }
    let sums = slots.map { Self.sum(of: $0, in: file) }
    return (frames + ending(sums)).allSatisfy { file.bytes[$0.offset...].starts(with: $0.bytes) }
  }

  private static func sum(of slot: Slot, in file: MappedFile) -> UInt32 {
    guard let start = slot.sum else { return 0 }
    let range = slot.offset..<slot.offset + slot.count
    defer { file.release(range) }
    return Checksum.crc32(UnsafeRawBufferPointer(rebasing: file.bytes[range]), after: start)
  }

  /// The bytes of a tensor in a file that the plan surrounds.
  public func region(_ index: Int, in file: MappedFile) -> ByteRegion {
    ByteRegion(file, slots[index].offset..<slots[index].offset + slots[index].count)
  }
}
