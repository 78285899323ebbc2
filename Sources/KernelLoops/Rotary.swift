import Kernels

enum Rotary: RotaryKernels {
  @inline(never)
  static func rotate(_ x: MutableFloats, cosines: Floats, sines: Floats, half: Int) {
    var index = 0
    while index < half {
      let rest = half &- index
      let low = x + index
      let high = x + (half &+ index)
      let a = load(Floats(low), first: rest)
      let b = load(Floats(high), first: rest)
      let cosine = load(cosines + index, first: rest)
      let sine = load(sines + index, first: rest)
      store(a * cosine - b * sine, low, first: rest)
      store(b * cosine + a * sine, high, first: rest)
      index &+= width
    }
  }
}
