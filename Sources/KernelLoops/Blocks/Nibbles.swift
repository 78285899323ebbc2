import Kernels

enum Nibbles: NibbleKernels {
  @inline(never)
  static func dot(
    _ x: Floats, _ rows: (NibbleRow, NibbleRow, NibbleRow, NibbleRow), _ shape: NibbleShape,
    result: MutableFloats
  ) {
    switch shape.scale {
    case .f32:
      @inline(__always) func value(_ place: UnsafeRawPointer, _ group: Int) -> Float {
        (place + group &* 4).loadUnaligned(as: Float.self)
      }
      dot(x, rows, shape, result, value)
    case .bf16:
      @inline(__always) func value(_ place: UnsafeRawPointer, _ group: Int) -> Float {
        Float(
          bitPattern: UInt32((place + group &* 2).loadUnaligned(as: UInt16.self)) &<< 16)
      }
      dot(x, rows, shape, result, value)
    case .f16:
      @inline(__always) func value(_ place: UnsafeRawPointer, _ group: Int) -> Float {
        Widening.half((place + group &* 2).loadUnaligned(as: UInt16.self))
      }
      dot(x, rows, shape, result, value)
    }
  }

  @inline(__always)
  private static func dot(
    _ x: Floats, _ rows: (NibbleRow, NibbleRow, NibbleRow, NibbleRow), _ shape: NibbleShape,
    _ result: MutableFloats, _ value: (UnsafeRawPointer, Int) -> Float
  ) {
    let zero = Float(Int32(truncatingIfNeeded: shape.zero))
    var s0 = Lanes(), s1 = Lanes(), s2 = Lanes(), s3 = Lanes()
    for group in 0..<shape.groups {
      let values = x + group &* shape.group, byte = group &* shape.group / 2
      var p0 = Lanes(), p1 = Lanes(), p2 = Lanes(), p3 = Lanes(), all = Lanes()
      var index = 0
      while index < shape.group {
        let even = load(values + index), odd = load(values + (index &+ width))
        let place = byte &+ index / 2
        all += even + odd
        p0 = products(p0, even, odd, rows.0.codes + place)
        p1 = products(p1, even, odd, rows.1.codes + place)
        p2 = products(p2, even, odd, rows.2.codes + place)
        p3 = products(p3, even, odd, rows.3.codes + place)
        index &+= 2 &* width
      }
      /// Scaled products, and what the zero point and the bias of a group make of the sum of its values.
      @inline(__always) func add(_ sum: Lanes, _ products: Lanes, _ row: NibbleRow) -> Lanes {
        let scale = value(row.scales, group)
        var offset = -zero * scale
        if let biases = row.biases { offset += value(biases, group) }
        return fused(fused(sum, scale, products), offset, all)
      }
      s0 = add(s0, p0, rows.0)
      s1 = add(s1, p1, rows.1)
      s2 = add(s2, p2, rows.2)
      s3 = add(s3, p3, rows.3)
    }
    result[0] = sum(s0)
    result[1] = sum(s1)
    result[2] = sum(s2)
    result[3] = sum(s3)
  }

  /// Adds the products of the even values with the low halves of bytes, and of the odd ones with the high.
  @inline(__always)
  private static func products(
    _ sum: Lanes, _ even: Lanes, _ odd: Lanes, _ codes: UnsafeRawPointer
  ) -> Lanes {
    let bits = nibbles(codes)
    return fused(fused(sum, even, floats(bits & 15)), odd, floats(bits &>> 4))
  }
}
