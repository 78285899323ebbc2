import Kernels

enum Elementwise: ElementwiseKernels {
  @inline(never)
  static func multiply(_ x: MutableFloats, by y: Floats, count: Int) {
    var index = 0
    while index &+ width <= count {
      store(load(x + index) * load(y + index), x + index)
      index &+= width
    }
    for rest in index..<max(count, index) { x[rest] *= y[rest] }
  }

  @inline(never)
  static func scale(_ x: MutableFloats, by scale: Float, count: Int) {
    scaleInPlace(x, scale, count)
  }

  @inline(never)
  static func exponential(_ x: MutableFloats, count: Int) {
    mapInPlace(x, count, VectorMath.exp)
  }

  @inline(never)
  static func add(_ x: MutableFloats, _ y: Floats, scale: Float, count: Int) {
    var index = 0
    while index &+ width <= count {
      store(load(x + index) + scale * load(y + index), x + index)
      index &+= width
    }
    for rest in index..<max(count, index) { x[rest] += scale * y[rest] }
  }

  @inline(never)
  static func dot(_ x: Floats, _ y: Floats, count: Int) -> Float {
    innerProduct(x, y, count)
  }

  @inline(never)
  static func maximum(_ x: Floats, count: Int) -> Float {
    var result = -Float.infinity
    for index in 0..<count where x[index] > result { result = x[index] }
    return result
  }

  @inline(never)
  static func softmax(_ x: MutableFloats, count: Int) {
    shiftedExp(x, minus: maximum(x, count: count), count)
    var total: Float = 0
    for index in 0..<count { total += x[index] }
    scaleInPlace(x, 1 / total, count)
  }
}

@inline(__always)
func innerProduct(_ x: Floats, _ y: Floats, _ count: Int) -> Float {
  var s0 = Lanes(), s1 = Lanes()
  var index = 0
  while index &+ (2 &* width) <= count {
    s0 = fused(s0, load(x + index), load(y + index))
    s1 = fused(s1, load(x + (index &+ width)), load(y + (index &+ width)))
    index &+= 2 &* width
  }
  var total = sum(s0 + s1)
  for rest in index..<max(count, index) { total += x[rest] * y[rest] }
  return total
}
