/// The optimiser of D. Kingma and J. Ba (2014), with a step size that rises and then falls along half a
/// cosine.
struct Adam {
  /// Some consecutive values and the size by which their steps are measured.
  struct Part {
    let range: Range<Int>
    let size: Float
  }

  private let parts: [Part]
  private let steps: Int
  private let rate: Double
  private var step = 0
  private var first: [Float]
  private var second: [Float]
  /// `1 - decay^step` of both moments.
  private var bias = (first: 1.0, second: 1.0)

  private static let decay = (first: 0.9, second: 0.99)
  private static let epsilon: Float = 1e-12
  /// The share of the steps in which the step size rises.
  private static let warmup = 0.05

  /// - Parameter rate: the largest step, as a share of the size of a part.
  init(_ parts: [Part], steps: Int, rate: Double) {
    (self.parts, self.steps, self.rate) = (parts, steps, rate)
    first = Array(repeating: 0, count: parts.last?.range.upperBound ?? 0)
    second = first
  }

  /// The step size now; half a cosine as a polynomial, which every machine rounds alike.
  private var currentRate: Double {
    let progress = (Double(step) - 0.5) / Double(steps)
    let rise = min(progress / Self.warmup, 1)
    let rest = 1 - progress
    return rate * rise * rest * rest * (3 - 2 * rest)
  }

  /// Moves values against their gradient.
  mutating func advance(
    _ values: UnsafeMutablePointer<Float>, _ gradient: UnsafePointer<Float>
  ) {
    step += 1
    bias.first *= Self.decay.first
    bias.second *= Self.decay.second
    let rate = currentRate / (1 - bias.first)
    let scale = Float(1 / (1 - bias.second))
    let (b1, b2) = (Float(Self.decay.first), Float(Self.decay.second))
    for part in parts {
      let rate = Float(rate) * part.size
      for index in part.range {
        let g = gradient[index]
        first[index] = b1 * first[index] + (1 - b1) * g
        second[index] = b2 * second[index] + (1 - b2) * g * g
        values[index] -= rate * first[index] / ((scale * second[index]).squareRoot() + Self.epsilon)
      }
    }
  }
}
