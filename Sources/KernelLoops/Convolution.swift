import Kernels

enum Convolution: ConvolutionKernels {
  @inline(never)
  static func causal(_ x: Floats, _ taps: ConvolutionTaps, steps: Int, y: MutableFloats) {
    let (weight, bias, channels) = (taps.weight, taps.bias, taps.channels)
    for t in 0..<steps {
      let input = x + (t &* channels)
      let output = y + (t &* channels)
      var c = 0
      while c < channels {
        let rest = channels &- c
        var value = Lanes()
        if let bias { value = load(bias + c, first: rest) }
        for j in 0..<taps.count {
          let offset = (j &* channels) &+ c
          value = fused(
            value, load(input + offset, first: rest), load(weight + offset, first: rest))
        }
        store(value, output + c, first: rest)
        c &+= width
      }
    }
  }
}
