import Tensors

/// A format into which values can be rounded, as ggml's reference routines round them without a matrix
/// of importances.
///
/// All arithmetic is in F32, each product and sum rounded by itself, in ggml's order: blocks agree with
/// its own byte for byte.
protocol BlockEncoder: BlockFormat {
  /// Rounds the values of some blocks.
  static func encode(
    _ values: UnsafePointer<Float>, blocks count: Int, into place: UnsafeMutableRawPointer)

  /// Rounds the values of whole blocks and says what that made of them.
  static func store(
    _ values: UnsafePointer<Float>, blocks count: Int, to place: UnsafeMutableRawPointer
  ) -> Rounding
}

extension BlockEncoder {
  /// Reads the blocks back.
  static func store(
    _ values: UnsafePointer<Float>, blocks count: Int, to place: UnsafeMutableRawPointer
  ) -> Rounding {
    encode(values, blocks: count, into: place)
    return rounding(of: values, blocks: count, to: place)
  }

  /// What rounding made of the values of whole blocks.
  static func rounding(
    of values: UnsafePointer<Float>, blocks count: Int, to place: UnsafeMutableRawPointer
  ) -> Rounding {
    let unit = type.unit
    return withUnsafeTemporaryAllocation(of: Float.self, capacity: unit.elements) { stored in
      var rounding = Rounding()
      guard let base = stored.baseAddress else { return rounding }
      for block in 0..<count {
        decode(BlockBytes(start: place + block * unit.bytes), into: base)
        rounding.add(values + block * unit.elements, base, count: unit.elements)
      }
      return rounding
    }
  }
}
