import Tensors

extension PackedPart {
  /// Groups of columns.
  static func index(_ name: String, _ groups: [Int32]) -> PackedPart {
    PackedPart(
      name: name, type: .i32, shape: [groups.count],
      region: ByteRegion(
        OwnedBytes(groups.flatMap { withUnsafeBytes(of: $0.littleEndian) { Array($0) } })))
  }

  /// Whole numbers of 64 bits.
  static func integers(_ name: String, _ numbers: [Int]) -> PackedPart {
    PackedPart(
      name: name, type: .i64, shape: [numbers.count],
      region: ByteRegion(
        OwnedBytes(numbers.flatMap { withUnsafeBytes(of: Int64($0).littleEndian) { Array($0) } })))
  }
}
