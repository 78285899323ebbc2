import Runtime

/// The error of one layer alone: how far what it adds to the residual stream is from what the reference's
/// layer adds, both given the reference's input.
///
/// Errors of earlier layers do not reach it, so that a fault is found in its own layer, however small its
/// effect is there.
public struct StepComparison: Hashable, Sendable {
  private var sums = StepSums()
  private var streams = 0.0
  /// The largest absolute difference; NaN as soon as one is.
  public private(set) var maxAbs = 0.0
  /// Whether every expected value is one of BF16, as an original that computes in BF16 records them.
  private var isCoarse = true
  /// How much the output of the layer changes when only its input is rounded.
  public internal(set) var noise = StepNoise()
  /// How far rounding of weights takes what the layer adds, as `relative` counts it, where that was measured.
  public internal(set) var rounding = 0.0

  /// The same for tokens whose router is sure; empty but for layers with experts and quantised weights.
  var sure = SureSteps()
  /// What `rounding` is for those tokens.
  var sureRounding = 0.0

  /// A comparison of nothing yet.
  public init() {}

  /// Adds values of any number of positions.
  /// - Parameters:
  ///   - input: what the layer reads.
  ///   - reference: what it should make of that.
  public mutating func add(
    _ output: UnsafeBufferPointer<Float>, input: [Float], reference: [Float]
  ) {
    for index in output.indices {
      let expected = Double(reference[index])
      let step = expected - Double(input[index])
      let difference = abs(Double(output[index]) - expected)
      if difference.isNaN || difference > maxAbs { maxAbs = difference }
      sums.add(difference, of: step)
      streams += expected * expected
      // A BF16 is an F32 whose lower half is zero.
      if reference[index].bitPattern & 0xffff != 0 { isCoarse = false }
    }
  }

  /// The squared error over the square of what should be added.
  public var relative: Double { sums.relative }

  /// The squared rounding error of the recorded streams over the square of what should be added: 2⁻²⁴ of
  /// the stream for F32, 2⁻⁸ for streams recorded in BF16.
  var storing: Double {
    guard sums.steps > 0 else { return 0 }
    return (isCoarse ? 0x1p-16 : 0x1p-47) * streams / sums.steps
  }
}

/// How much the output of a layer changes where its input changes by no more than rounding.
///
/// Each trial perturbs the whole input differently; where only few positions magnify rounding, one trial
/// may happen to miss them.
public struct StepNoise: Hashable, Sendable {
  private var draws: [Int: StepSums] = [:]

  /// Adds values of any number of positions.
  /// - Parameters:
  ///   - moved: what the layer makes of an input that was moved, and that input.
  ///   - plain: what it makes of the input as it is, and that input.
  mutating func add(
    _ moved: (output: [Float], input: [Float]), _ plain: (output: [Float], input: [Float]),
    draw: Int
  ) {
    var sums = draws[draw, default: StepSums()]
    for index in plain.output.indices {
      let step = Double(plain.output[index]) - Double(plain.input[index])
      let other = Double(moved.output[index]) - Double(moved.input[index])
      sums.add(other - step, of: step)
    }
    draws[draw] = sums
  }

  /// The squared error of the worst trial over the square of what is added; 0 where nothing was measured.
  public var relative: Double {
    draws.values.reduce(0) { $1.errors == 0 ? $0 : max($0, $1.relative) }
  }
}
