import Kernels

enum Norms: NormKernels {
  @inline(never)
  static func rms(_ x: Floats, _ weights: NormWeights, target: MutableFloats) {
    let (weight, epsilon, count) = (weights.weight, weights.epsilon, weights.count)
    let mean = innerProduct(x, x, count) / Float(count)
    let factor = 1 / (mean + epsilon).squareRoot()
    var index = 0
    while index < count {
      let rest = count &- index
      let scaled = load(x + index, first: rest) * factor
      store(scaled * load(weight + index, first: rest), target + index, first: rest)
      index &+= width
    }
  }

  @inline(never)
  static func layer(_ x: Floats, _ weights: NormWeights, target: MutableFloats) {
    let (weight, bias, count) = (weights.weight, weights.bias, weights.count)
    let mean = total(x, count) / Float(count)
    let factor = 1 / (squares(x, around: mean, count) / Float(count) + weights.epsilon).squareRoot()
    var index = 0
    while index < count {
      let rest = count &- index
      let scaled = (load(x + index, first: rest) - mean) * factor
      var result = scaled * load(weight + index, first: rest)
      if let bias { result += load(bias + index, first: rest) }
      store(result, target + index, first: rest)
      index &+= width
    }
  }

  @inline(__always)
  private static func total(_ x: Floats, _ count: Int) -> Float {
    var lanes = Lanes()
    var index = 0
    while index < count {
      lanes += load(x + index, first: count &- index)
      index &+= width
    }
    return sum(lanes)
  }

  @inline(__always)
  private static func squares(_ x: Floats, around mean: Float, _ count: Int) -> Float {
    var lanes = Lanes()
    var index = 0
    while index &+ width <= count {
      let difference = load(x + index) - mean
      lanes = fused(lanes, difference, difference)
      index &+= width
    }
    var result = sum(lanes)
    for rest in index..<max(count, index) { result += (x[rest] - mean) * (x[rest] - mean) }
    return result
  }
}
