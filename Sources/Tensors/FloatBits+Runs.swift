extension FloatBits {
  /// Loads a run of elements of a tensor of floats, before any scale is applied.
  /// - Precondition: as for a single element; `values` has room for `count`.
  public static func load(
    _ bytes: UnsafeRawBufferPointer, _ run: Range<Int>, _ type: ScalarType,
    into values: UnsafeMutablePointer<Float>
  ) {
    guard let base = bytes.baseAddress, !run.isEmpty else { return }
    switch type {
    case .bf16: expand(base + run.lowerBound * 2, run.count, values) { float(bf16: $0) }
    case .f16: expand(base + run.lowerBound * 2, run.count, values) { float(f16: $0) }
    case .f32:
      UnsafeMutableRawPointer(values)
        .copyMemory(from: base + run.lowerBound * 4, byteCount: run.count * 4)
    case .f8E4M3: expand(base + run.lowerBound, run.count, values) { float(f8E4M3: $0) }
    case .f8E5M2: expand(base + run.lowerBound, run.count, values) { float(f8E5M2: $0) }
    default: for (place, index) in run.enumerated() { values[place] = load(bytes, index, type) }
    }
  }

  @inline(__always)
  private static func expand<Bits: FixedWidthInteger & BitwiseCopyable>(
    _ source: UnsafeRawPointer, _ count: Int, _ values: UnsafeMutablePointer<Float>,
    _ value: (Bits) -> Float
  ) {
    let width = MemoryLayout<Bits>.size
    for index in 0..<count {
      values[index] = value(source.loadUnaligned(fromByteOffset: index &* width, as: Bits.self))
    }
  }

  /// The first of some values that is infinite or a NaN; nil where all are finite.
  public static func firstNotFinite(_ values: UnsafePointer<Float>, _ count: Int) -> Int? {
    let start = UnsafeRawPointer(values)
    // Zero times a number is a zero, but a NaN where the number is infinite or a NaN.
    var zeros = SIMD8<Float>()
    for index in stride(from: 0, to: count & ~7, by: 8) {
      zeros += start.loadUnaligned(fromByteOffset: index &* 4, as: SIMD8<Float>.self) * 0
    }
    let isFinite = zeros.sum() == 0 && (count & ~7..<count).allSatisfy { values[$0].isFinite }
    return isFinite ? nil : (0..<count).first { !values[$0].isFinite }
  }

  /// Stores a run of elements of an F32, BF16 or F16 tensor.
  /// - Parameter values: F32 values at any address.
  /// - Returns: how many values the type does not represent exactly; NaNs do not count.
  /// - Precondition: `type.isFloat`.
  public static func store(
    _ values: UnsafeRawPointer, count: Int, to place: UnsafeMutableRawPointer, _ type: ScalarType
  ) -> Int {
    switch type {
    case .bf16:
      return narrow(values, count, place, narrowed16(bf16:count:to:)) {
        (bf16($0), float(bf16: bf16($0)))
      }
    case .f16:
      return narrow(values, count, place, narrowed16(f16:count:to:)) {
        (f16($0), float(f16: f16($0)))
      }
    default:
      place.copyMemory(from: values, byteCount: count * 4)
      return 0
    }
  }

  /// How many values are rounded at once. Where one of them is a NaN or too large, all of them are rounded
  /// one by one.
  private static let block = 512

  private static func narrow(
    _ values: UnsafeRawPointer, _ count: Int, _ place: UnsafeMutableRawPointer,
    _ together: (UnsafeRawPointer, Int, UnsafeMutableRawPointer) -> Int?,
    _ single: (Float) -> (bits: UInt16, value: Float)
  ) -> Int {
    var changed = 0
    for start in stride(from: 0, to: count, by: block) {
      let (source, target) = (values + start * 4, place + start * 2)
      let length = min(block, count - start)
      if length == block, let more = together(source, length, target) {
        changed += more
        continue
      }
      for index in 0..<length {
        let value = source.loadUnaligned(fromByteOffset: index &* 4, as: Float.self)
        let stored = single(value)
        target.storeBytes(of: stored.bits, toByteOffset: index &* 2, as: UInt16.self)
        changed += stored.value != value && !value.isNaN ? 1 : 0
      }
    }
    return changed
  }
}
