import Runtime

/// How far what one layer adds to the residual stream is from what it should add, where it reads what
/// it should read.
///
/// Errors of the layers before it do not count, so that a fault is found where it is made, however
/// little it does there.
public struct StepComparison: Hashable, Sendable {
  private var errors = 0.0
  private var steps = 0.0
  private var streams = 0.0
  /// The largest absolute difference; NaN as soon as one is.
  public private(set) var maxAbs = 0.0

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
      errors += difference * difference
      steps += step * step
      streams += expected * expected
    }
  }

  /// The squared error over the square of what should be added.
  public var relative: Double { errors == 0 ? 0 : errors / steps }

  /// The squared error over the square of the residual stream.
  var relativeToStream: Double { errors == 0 ? 0 : errors / streams }
}

extension Gate {
  /// Whether what a layer adds is what it should add; NaN never is.
  ///
  /// In float32 implementations differ by 1e-13, and rounding the stream alone costs 1e-15 of it.
  public func passes(_ step: StepComparison) -> Bool {
    switch self {
    case .f32: step.relative <= 1e-11 || step.relativeToStream <= 1e-14
    case .bf16: step.relative <= 1e-4 || step.relativeToStream <= 1e-8
    case .maxAbs(let limit): step.maxAbs <= limit
    }
  }

  /// Whether the stream before the first layer is what it should be; NaN never is.
  ///
  /// Rounding embeddings to BF16 costs 1e-6 of it.
  func passes(embedding: HiddenComparison) -> Bool {
    switch self {
    case .f32: embedding.nmse <= 1e-11
    case .bf16: embedding.nmse <= 1e-5
    case .maxAbs(let limit): embedding.maxAbs <= limit
    }
  }
}
