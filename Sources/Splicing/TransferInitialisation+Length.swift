import Canonical
import LinearAlgebra

extension TransferInitialisation {
  /// The size of what the activation reads, for which it is still nearly linear.
  private static let size = 0.2

  /// Scales the taps of queries and keys, and those of the values of each head, to a common size.
  ///
  /// The old layer brings queries, keys and the output of each head to unit length, so that its taps may
  /// have any size, and trained ones are often tiny; then the outputs of the new layer would be lost in
  /// the eps of its norm. The size is what independent normal inputs give behind the norm before the
  /// layer. Where the old layer's values are small, this only scales them, because silu is linear there.
  mutating func scaleTaps() throws {
    guard keepsTaps else { return }
    let inputs = try inputScales()
    scale("q", 0..<new.keyDim, inputs)
    scale("k", 0..<new.keyDim, inputs)
    for head in 0..<new.heads {
      scale("v", head * new.valueDim..<(head + 1) * new.valueDim, inputs)
    }
  }

  /// What the norm before the layer multiplies its inputs with.
  private func inputScales() throws -> [Double] {
    let isBefore = source.configuration.layers[layer].normPlacement == .pre
    guard isBefore, let norm = source.tensors[Role("mixer_norm", layer: layer)], norm.count == H
    else { return Array(repeating: 1, count: H) }
    let centre = source.configuration.normIsZeroCentred ? 1.0 : 0
    return try norm.floats().map { Double($0) + centre }
  }

  private mutating func scale(_ name: String, _ channels: Range<Int>, _ inputs: [Double]) {
    guard let rows = values["m2rnn." + name], let taps = values["m2rnn.conv." + name] else {
      return
    }
    let count = new.taps
    let squares = channels.map { channel in
      let row = (0..<H).reduce(0.0) { sum, column in
        let value = Double(rows[channel * H + column]) * inputs[column]
        return sum + value * value
      }
      return (0..<count).reduce(0.0) { sum, tap in
        let value = Double(taps[channel * count + tap])
        return sum + value * value
      } * row
    }.filter { $0 > 0 }
    guard !squares.isEmpty else { return }
    let size = (squares.reduce(0, +) / Double(squares.count)).squareRoot()
    guard size.isFinite else { return }
    let factor = Float(Self.size / size)
    for index in channels.lowerBound * count..<channels.upperBound * count {
      values["m2rnn.conv." + name]?[index] *= factor
    }
  }
}
