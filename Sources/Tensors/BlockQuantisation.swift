/// Rounding F32 values into blocks of Q8_0, bit for bit as ggml and its Python writer do.
public enum BlockQuantisation {
  /// The elements of a block.
  public static let blockSize = 32

  /// Writes whole blocks.
  ///
  /// The scale is the largest magnitude over 127; values are divided by it before it is itself rounded
  /// to F16, and rounded half away from zero.
  /// - Parameters:
  ///   - values: as many as `count` blocks hold.
  ///   - place: room for `count` blocks.
  /// - Returns: how many values the blocks do not represent exactly.
  public static func q8Zero(
    _ values: UnsafePointer<Float>, blocks count: Int, to place: UnsafeMutableRawBufferPointer
  ) -> Int {
    var changed = 0
    for block in 0..<count {
      let source = values + block * blockSize
      let start = block * ScalarType.q8Zero.unit.bytes
      var largest: Float = 0
      for lane in 0..<blockSize { largest = max(largest, abs(source[lane])) }
      let scale = largest / 127
      let inverse = scale == 0 ? 0 : 1 / scale
      let stored = FloatBits.f16(scale)
      place.storeBytes(of: stored, toByteOffset: start, as: UInt16.self)
      for lane in 0..<blockSize {
        let rounded = (source[lane] * inverse).rounded(.toNearestOrAwayFromZero)
        let level = Int8(exactly: rounded) ?? 0
        place.storeBytes(of: level, toByteOffset: start + 2 + lane, as: Int8.self)
        if FloatBits.float(f16: stored) * Float(level) != source[lane] { changed += 1 }
      }
    }
    return changed
  }
}
