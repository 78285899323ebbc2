import Runtime
import Threads

/// The optimiser of D. Kingma and J. Ba (2014), with a step size that rises and then falls along half a
/// cosine.
struct Adam {
  /// Consecutive values that share a unit of the step size.
  struct Group {
    let range: Range<Int>
    let size: Float
  }

  private let groups: [Group]
  private let steps: Int
  private let rate: Double
  private var step = 0
  /// The moments of every value.
  private let first, second: FloatBuffer
  /// `1 - decay^step` of both moments.
  private var bias = (first: 1.0, second: 1.0)

  private static let decay = (first: 0.9, second: 0.99)
  private static let epsilon: Float = 1e-12
  /// The share of the steps in which the step size rises.
  private static let warmup = 0.05

  /// - Parameter rate: the largest step, as a share of the size of a group.
  init(_ groups: [Group], steps: Int, rate: Double) throws {
    (self.groups, self.steps, self.rate) = (groups, steps, rate)
    let count = groups.last?.range.upperBound ?? 0
    (first, second) = (try FloatBuffer(count), try FloatBuffer(count))
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
    _ values: UnsafeMutablePointer<Float>, _ gradient: UnsafePointer<Float>, _ pool: ThreadPool
  ) {
    step += 1
    bias.first *= Self.decay.first
    bias.second *= Self.decay.second
    let rate = currentRate / (1 - bias.first)
    let scale = Float(1 / (1 - bias.second))
    let (b1, b2) = (Float(Self.decay.first), Float(Self.decay.second))
    let (first, second) = (first.pointer, second.pointer)
    for group in groups {
      let (rate, start) = (Float(rate) * group.size, group.range.lowerBound)
      pool.run(group.range.count, by: 1 << 14) { range in
        for index in start &+ range.lowerBound..<start &+ range.upperBound {
          let g = gradient[index]
          let mean = b1 * first[index] + (1 - b1) * g
          let square = b2 * second[index] + (1 - b2) * g * g
          (first[index], second[index]) = (mean, square)
          values[index] -= rate * mean / ((scale * square).squareRoot() + Self.epsilon)
        }
      }
    }
  }
}
