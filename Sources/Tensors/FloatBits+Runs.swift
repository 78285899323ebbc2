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

  /// Stores a run of elements of an F32, BF16 or F16 tensor.
  /// - Returns: how many values the type does not represent exactly; NaNs do not count.
  /// - Precondition: `type.isComputable`.
  public static func store(
    _ values: UnsafePointer<Float>, count: Int, to place: UnsafeMutableRawPointer,
    _ type: ScalarType
  ) -> Int {
    switch type {
    case .bf16: return narrow(values, count, place, bf16) { float(bf16: $0) }
    case .f16: return narrow(values, count, place, f16) { float(f16: $0) }
    default:
      place.copyMemory(from: values, byteCount: count * 4)
      return 0
    }
  }

  @inline(__always)
  private static func narrow(
    _ values: UnsafePointer<Float>, _ count: Int, _ place: UnsafeMutableRawPointer,
    _ bits: (Float) -> UInt16, _ value: (UInt16) -> Float
  ) -> Int {
    var changed: Int32 = 0
    for index in 0..<count {
      let stored = bits(values[index])
      (place + index &* 2).storeBytes(of: stored, as: UInt16.self)
      let differs = value(stored) != values[index] && values[index] == values[index]
      changed &+= differs ? 1 : 0
    }
    return Int(changed)
  }
}
