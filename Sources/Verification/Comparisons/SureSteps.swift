/// The errors of a layer with experts, for the tokens whose router is sure of its choice.
///
/// Where two experts nearly tie, rounding decides which one a token takes, and its error says nothing of the
/// layer. The tokens with the larger gap between the last expert that is taken and the first that is not are
/// left to tell: those that a fault in any tensor of the layer reaches too.
struct SureSteps: Hashable, Sendable {
  private struct Token: Hashable {
    let gap: Float
    let sums: StepSums
  }
  private var tokens: [Token] = []

  /// Adds positions.
  /// - Parameters:
  ///   - gaps: how sure the router is of each.
  ///   - input: what the layer reads.
  ///   - reference: what it should make of that.
  mutating func add(
    _ output: UnsafeBufferPointer<Float>, input: [Float], reference: [Float], gaps: [Float]
  ) {
    let width = gaps.isEmpty ? 0 : output.count / gaps.count
    for (row, gap) in gaps.enumerated() {
      var sums = StepSums()
      for index in row * width..<(row + 1) * width {
        let expected = Double(reference[index])
        sums.add(Double(output[index]) - expected, of: expected - Double(input[index]))
      }
      tokens.append(Token(gap: gap, sums: sums))
    }
  }

  /// The squared error of the surer half over the square of what should be added; nil where nothing was added.
  var relative: Double? {
    guard !tokens.isEmpty else { return nil }
    let sure = tokens.sorted { $0.gap > $1.gap }.prefix((tokens.count + 1) / 2)
    return sure.reduce(StepSums()) { $0 + $1.sums }.relative
  }
}
