import Tensors

/// The scale of a group of values that become floats of 4 or 8 bits, as MLX computes it on a CPU.
struct FloatGroup {
  /// The scale as it is stored.
  let bits: UInt8
  /// What it stands for.
  let scale: Float
  /// Whether quotients are so large that they cannot tell the floats apart.
  private let isFar: Bool

  private static let largestFloat4: Float = 6
  private static let largestFloat8: Float = 448
  /// Below this, distances of quotients to all floats of 4 bits are exact.
  private static let far: Float = 0x1p20

  /// - Parameter type: that of the values, to which MLX rounds the size of a power of two.
  /// - Precondition: `count` is a multiple of eight.
  init(
    _ values: UnsafePointer<Float>, count: Int, _ mode: MLXForm.Mode, of type: ScalarType
  ) {
    let start = UnsafeRawPointer(values)
    var largest = SIMD8<UInt32>()
    for index in stride(from: 0, to: count, by: 8) {
      let lanes = start.loadUnaligned(fromByteOffset: index &* 4, as: SIMD8<UInt32>.self)
      let magnitude = lanes & 0x7fff_ffff
      largest.replace(with: magnitude, where: magnitude .> largest)
    }
    let highest = Float(bitPattern: largest.max())
    if mode == .nvfp4 {
      bits = FloatBits.f8E4M3(highest / Self.largestFloat4)
      scale = FloatBits.float(f8E4M3: bits)
    } else {
      let size = highest / (mode == .mxfp8 ? Self.largestFloat8 : Self.largestFloat4)
      bits = Self.power(notBelow: FloatBits.rounded(size, to: type))
      scale = FloatBits.float(f8E8M0: bits)
    }
    isFar = highest > scale * Self.far
  }

  /// The exponent of the smallest power of two that is not below a size; that of one for zero.
  private static func power(notBelow size: Float) -> UInt8 {
    guard size > 0 else { return 127 }
    guard size > 0x1p-127 else { return 0 }
    let isPower = size.significandBitPattern == 0
    // A subnormal number lies above 2^-127 and is at most 2^-126.
    guard size.isNormal else { return 1 }
    return UInt8(size.exponentBitPattern) + (isPower ? 0 : 1)
  }

  /// Writes codes of 4 bits, one to a byte.
  func codes4(
    of values: UnsafePointer<Float>, count: Int, to codes: UnsafeMutablePointer<UInt8>
  ) -> RoundingError {
    if scale == 0 || isFar { return slowCodes4(of: values, count: count, to: codes) }
    let (start, place) = (UnsafeRawPointer(values), UnsafeMutableRawPointer(codes))
    let scales = SIMD8(repeating: scale)
    var error = RoundingError()
    for index in stride(from: 0, to: count, by: 8) {
      let lanes = start.loadUnaligned(fromByteOffset: index &* 4, as: SIMD8<Float>.self)
      let bits = unsafeBitCast(lanes / scales, to: SIMD8<UInt32>.self)
      let size = unsafeBitCast(bits & 0x7fff_ffff, to: SIMD8<Float>.self)
      var (code, float) = (SIMD8<UInt32>(), SIMD8<Float>())
      for (step, middle) in Self.middles.enumerated() {
        // A tie goes to the smaller float.
        let isAbove = size .> middle
        code.replace(with: UInt32(step + 1), where: isAbove)
        float.replace(with: Self.floats[step + 1], where: isAbove)
      }
      let sign = (bits & 0x8000_0000).replacing(with: 0, where: code .== 0)
      let signed = unsafeBitCast(
        unsafeBitCast(float, to: SIMD8<UInt32>.self) | sign, to: SIMD8<Float>.self)
      place.storeBytes(
        of: SIMD8<UInt8>(truncatingIfNeeded: code | sign &>> 28), toByteOffset: index,
        as: SIMD8<UInt8>.self)
      error.add(lanes, roundedTo: signed * scale)
    }
    return error
  }

  private static let floats: [Float] = [0, 0.5, 1, 1.5, 2, 3, 4, 6]
  private static let middles: [Float] = [0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5]

  /// The first float of the nearest, positive ones first, whatever rounding makes of the distances.
  private func slowCodes4(
    of values: UnsafePointer<Float>, count: Int, to codes: UnsafeMutablePointer<UInt8>
  ) -> RoundingError {
    var error = RoundingError()
    for index in 0..<count {
      let quotient = scale == 0 ? 0 : values[index] / scale
      var (code, least) = (0, Float.infinity)
      for other in 0..<16 {
        let distance = abs(quotient - Self.float4(other))
        if distance < least { (code, least) = (other, distance) }
      }
      codes[index] = UInt8(code)
      error.add(values[index], roundedTo: Self.float4(code) * scale)
    }
    return error
  }

  private static func float4(_ code: Int) -> Float { code < 8 ? floats[code] : -floats[code - 8] }

  /// Writes codes of 8 bits.
  func codes8(
    of values: UnsafePointer<Float>, count: Int, to codes: UnsafeMutablePointer<UInt8>
  ) -> RoundingError {
    FloatBits.pack8(values, count, over: scale, to: UnsafeMutableRawPointer(codes))
  }
}

extension FloatBits {
  /// Divides values by a scale and rounds them to F8_E4M3, the largest of which is 448.
  /// - Returns: how far the values are from what the codes stand for.
  static func pack8(
    _ values: UnsafePointer<Float>, _ count: Int, over scale: Float,
    to place: UnsafeMutableRawPointer
  ) -> RoundingError {
    let start = UnsafeRawPointer(values)
    var error = RoundingError()
    let whole = count & ~7
    for index in stride(from: 0, to: whole, by: 8) {
      let lanes = start.loadUnaligned(fromByteOffset: index &* 4, as: SIMD8<Float>.self)
      let (codes, rounded) = f8E4M3(lanes / SIMD8(repeating: scale))
      place.storeBytes(of: codes, toByteOffset: index, as: SIMD8<UInt8>.self)
      error.add(lanes, roundedTo: rounded * scale)
    }
    for index in whole..<count {
      let code = f8E4M3(values[index] / scale)
      place.storeBytes(of: code, toByteOffset: index, as: UInt8.self)
      error.add(values[index], roundedTo: float(f8E4M3: code) * scale)
    }
    return error
  }
}
