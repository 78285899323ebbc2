import Kernels

extension ExpertBlock {
  /// Chooses the experts of one token by their sigmoids and corrections, and weighs them by sigmoids alone.
  /// - Shape: `scores` and `marks` `[E]`, `chosen` and `weights` `[k]`.
  func routeBySigmoid(
    _ scores: UnsafeMutablePointer<Float>, _ chosen: UnsafeMutablePointer<Int32>,
    _ weights: UnsafeMutablePointer<Float>, marks: UnsafeMutablePointer<Float>
  ) {
    kernels.activations.sigmoid(scores, E, 0)
    marks.update(from: scores, count: E)
    if let correction { kernels.elementwise.add(marks, correction.pointer, scale: 1, count: E) }
    if configuration.choice.groups > 1 { keepBestGroups(marks) }
    var total: Float = 0
    for choice in 0..<k {
      let expert = Self.largest(
        marks, E, except: UnsafeBufferPointer(start: chosen, count: choice))
      chosen[choice] = Int32(expert)
      weights[choice] = scores[expert]
      total += scores[expert]
    }
    let scale = Float(configuration.choice.scale)
    // What is added to the sum keeps sigmoids that are all zero from giving NaN, as in the original.
    let factor = configuration.choice.renormalises ? scale / (total + 1e-20) : scale
    kernels.elementwise.scale(weights, by: factor, count: k)
  }

  /// Leaves the experts of the best groups to be chosen: a group counts by the sum of its two largest marks.
  private func keepBestGroups(_ marks: UnsafeMutablePointer<Float>) {
    let size = E / configuration.choice.groups
    // A group that was looked at and not kept is marked by its experts; each round finds the worst.
    for _ in configuration.choice.groupsPerToken..<configuration.choice.groups {
      var (worst, least) = (-1, Float.infinity)
      for group in (0..<configuration.choice.groups).reversed() {
        let first = marks + group * size
        guard first[0] != -.infinity || first[1] != -.infinity else { continue }
        let score = Self.sumOfTwoLargest(first, size)
        if worst < 0 || score < least { (worst, least) = (group, score) }
      }
      guard worst >= 0 else { return }
      (marks + worst * size).update(repeating: -.infinity, count: size)
    }
  }

  private static func sumOfTwoLargest(_ x: UnsafePointer<Float>, _ count: Int) -> Float {
    var (first, second) = (max(x[0], x[1]), min(x[0], x[1]))
    for index in 2..<max(count, 2) {
      if x[index] > first {
        (first, second) = (x[index], first)
      } else if x[index] > second {
        second = x[index]
      }
    }
    return first + second
  }
}
