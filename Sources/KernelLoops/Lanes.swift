import Kernels

// The vectors all kernels are written in: one register of the processor.
#if V4
  typealias Lanes = SIMD16<Float>
  typealias HalfLanes = SIMD8<Float>
  typealias IntegerLanes = SIMD16<Int32>
  typealias BitLanes = SIMD16<UInt32>
  typealias HalfWordLanes = SIMD16<UInt16>
  typealias ByteLanes = SIMD16<Int8>
  typealias CodeLanes = SIMD16<UInt8>
#elseif V3
  typealias Lanes = SIMD8<Float>
  typealias HalfLanes = SIMD4<Float>
  typealias IntegerLanes = SIMD8<Int32>
  typealias BitLanes = SIMD8<UInt32>
  typealias HalfWordLanes = SIMD8<UInt16>
  typealias ByteLanes = SIMD8<Int8>
  typealias CodeLanes = SIMD8<UInt8>
#else
  typealias Lanes = SIMD4<Float>
  typealias HalfLanes = SIMD2<Float>
  typealias IntegerLanes = SIMD4<Int32>
  typealias BitLanes = SIMD4<UInt32>
  typealias HalfWordLanes = SIMD4<UInt16>
  typealias ByteLanes = SIMD4<Int8>
  typealias CodeLanes = SIMD4<UInt8>
#endif

/// The number of lanes.
@inline(__always)
var width: Int { Lanes.scalarCount }

@inline(__always)
func load(_ source: Floats) -> Lanes {
  UnsafeRawPointer(source).loadUnaligned(as: Lanes.self)
}

@inline(__always)
func load(_ source: MutableFloats) -> Lanes {
  UnsafeRawPointer(source).loadUnaligned(as: Lanes.self)
}

@inline(__always)
func store(_ lanes: Lanes, _ target: MutableFloats) {
  UnsafeMutableRawPointer(target).storeBytes(of: lanes, as: Lanes.self)
}

/// The first `count` values, then zeros.
@inline(__always)
func load(_ source: Floats, first count: Int) -> Lanes {
  if count >= width { return load(source) }
  var lanes = Lanes()
  for lane in 0..<max(count, 0) { lanes[lane] = source[lane] }
  return lanes
}

/// Stores the first `count` lanes.
@inline(__always)
func store(_ lanes: Lanes, _ target: MutableFloats, first count: Int) {
  if count >= width { return store(lanes, target) }
  for lane in 0..<max(count, 0) { target[lane] = lanes[lane] }
}

/// `c + a ⊙ b`, fused where the processor has an instruction for it.
@inline(__always)
func fused(_ c: Lanes, _ a: Lanes, _ b: Lanes) -> Lanes {
  #if V3 || V4 || arch(arm64)
    c.addingProduct(a, b)
  #else
    c + a * b
  #endif
}

/// `c + a b` with the scalar `a` in every lane.
@inline(__always)
func fused(_ c: Lanes, _ a: Float, _ b: Lanes) -> Lanes {
  fused(c, Lanes(repeating: a), b)
}

/// The sum of all lanes, halves first.
@inline(__always)
func sum(_ lanes: Lanes) -> Float {
  #if V4
    let eight = lanes.lowHalf + lanes.highHalf
    let four = eight.lowHalf + eight.highHalf
  #elseif V3
    let four = lanes.lowHalf + lanes.highHalf
  #else
    let four = lanes
  #endif
  let two = four.lowHalf + four.highHalf
  return two[0] + two[1]
}

/// Lanes with the same sum.
@inline(__always)
func folded(_ eight: SIMD8<Float>) -> Lanes {
  #if V4
    Lanes(lowHalf: eight, highHalf: HalfLanes())
  #elseif V3
    eight
  #else
    eight.lowHalf + eight.highHalf
  #endif
}

/// Lanes with the same sum.
@inline(__always)
func folded(_ sixteen: SIMD16<Float>) -> Lanes {
  #if V4
    sixteen
  #else
    folded(sixteen.lowHalf + sixteen.highHalf)
  #endif
}

/// The value limited to a range; a NaN stays a NaN.
@inline(__always)
func limited(_ x: Lanes, _ low: Float, _ high: Float) -> Lanes {
  let below = x.replacing(with: high, where: x .> high)
  return below.replacing(with: low, where: below .< low)
}

@inline(__always)
func magnitude(_ x: Lanes) -> Lanes {
  unsafeBitCast(unsafeBitCast(x, to: BitLanes.self) & 0x7fff_ffff, to: Lanes.self)
}

/// Replaces every value of a row by a function of it, one vector after the other.
///
/// A function that is itself marked for inlining leaves one loop without calls.
@inline(__always)
func mapInPlace(_ x: MutableFloats, _ count: Int, _ function: (Lanes) -> Lanes) {
  var index = 0
  while index &+ width <= count {
    store(function(load(x + index)), x + index)
    index &+= width
  }
  if index < count {
    let rest = count &- index
    store(function(load(Floats(x + index), first: rest)), x + index, first: rest)
  }
}

// The standard library's conversions are calls where vectors have sixteen lanes.

@inline(__always)
func widened(_ bytes: ByteLanes) -> IntegerLanes {
  var result = IntegerLanes()
  for lane in 0..<width { result[lane] = Int32(bytes[lane]) }
  return result
}

@inline(__always)
func widened(_ bytes: CodeLanes) -> BitLanes {
  var result = BitLanes()
  for lane in 0..<width { result[lane] = UInt32(bytes[lane]) }
  return result
}

@inline(__always)
func widened(_ words: HalfWordLanes) -> BitLanes {
  var result = BitLanes()
  for lane in 0..<width { result[lane] = UInt32(words[lane]) }
  return result
}

@inline(__always)
func floats(_ integers: IntegerLanes) -> Lanes {
  var result = Lanes()
  for lane in 0..<width { result[lane] = Float(integers[lane]) }
  return result
}

/// Small unsigned integers as floats.
@inline(__always)
func floats(_ bits: BitLanes) -> Lanes { floats(unsafeBitCast(bits, to: IntegerLanes.self)) }

/// Bytes, each of two codes, as 32-bit lanes.
@inline(__always)
func nibbles(_ source: UnsafeRawPointer) -> BitLanes {
  widened(source.loadUnaligned(as: CodeLanes.self))
}

/// `x = exp(x - shift)`
@inline(__always)
func shiftedExp(_ x: MutableFloats, minus shift: Float, _ count: Int) {
  @inline(__always) func lane(_ x: Lanes) -> Lanes { VectorMath.exp(x - shift) }
  mapInPlace(x, count, lane)
}

/// `x = scale · x`
@inline(__always)
func scaleInPlace(_ x: MutableFloats, _ scale: Float, _ count: Int) {
  @inline(__always) func lane(_ x: Lanes) -> Lanes { scale * x }
  mapInPlace(x, count, lane)
}
