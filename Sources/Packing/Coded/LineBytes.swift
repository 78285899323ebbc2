import Tensors

/// Bytes that consist of equally long lines, such as the rows of a matrix, and are made line by line
/// whenever they are asked for.
enum LineBytes {
  /// How many lines are made together, so that what they are made of is read once.
  private static let lines = 16

  /// - Parameters:
  ///   - length: of a line, in bytes.
  ///   - make: writes neighbouring lines.
  static func region(
    lines count: Int, length: Int,
    _ make: @escaping @Sendable (Range<Int>, UnsafeMutableRawPointer) throws -> Void
  ) -> ByteRegion {
    ByteRegion(
      DeferredBytes(count: count * length) { range, place in
        guard length > 0, !range.isEmpty, let start = place.baseAddress else { return }
        let wanted = range.lowerBound / length..<(range.upperBound + length - 1) / length
        for first in stride(from: wanted.lowerBound, to: wanted.upperBound, by: Self.lines) {
          let lines = first..<min(first + Self.lines, wanted.upperBound)
          let bytes = lines.lowerBound * length..<lines.upperBound * length
          let inside = bytes.clamped(to: range)
          if inside == bytes {
            try make(lines, start + (bytes.lowerBound - range.lowerBound))
          } else {
            let whole = try OwnedBytes(reserving: bytes.count)
            guard let scratch = whole.mutableBytes.baseAddress else { continue }
            try make(lines, scratch)
            withExtendedLifetime(whole) {
              (start + (inside.lowerBound - range.lowerBound)).copyMemory(
                from: scratch + (inside.lowerBound - bytes.lowerBound), byteCount: inside.count)
            }
          }
        }
      })
  }
}
