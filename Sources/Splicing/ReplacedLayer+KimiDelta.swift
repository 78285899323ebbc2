import Canonical
import LinearAlgebra

/// A Kimi Delta Attention layer, whose channels of keys forget each at their own pace.
///
/// An M²RNN head forgets as a whole, and its keys are those of all heads, so that no head can stand for the
/// channels that decay alike. It takes the mean of their logarithms of decay, exact where the input adds
/// nothing to the biases and to first order around: the state then loses as much as the old one does in
/// the geometric mean.
extension KimiDeltaAttention: ReplacedLayer {
  /// The channels of all queries, and of all keys.
  public var keyChannels: Int { heads * headDim }
  /// The heads of values.
  public var valueHeads: Int { heads }
  /// The channels of one head of values.
  public var valueDim: Int { headDim }

  /// The rows of the output gate; the new layer takes silu of them where this one takes the sigmoid.
  public func gateRows(_ tensors: ReplacedTensors) throws -> Matrix? {
    try rows("g", tensors)
  }

  /// One decay for all channels of a head.
  public func forgetGates(_ tensors: ReplacedTensors) throws -> ForgetGates {
    let rows = try rows("f", tensors)
    let logA = try tensors.matrix("A_log", heads, 1)
    let bias = try tensors.matrix("dt_bias", keyChannels, 1)
    var mean = ForgetGates(
      rows: Matrix(rows: heads, columns: tensors.H), logA: Matrix(rows: heads, columns: 1),
      bias: Matrix(rows: heads, columns: 1))
    for head in 0..<heads {
      let channels = head * headDim..<(head + 1) * headDim
      let decay = MeanDecay(
        logA: logA[head, 0], biases: channels.map { bias[$0, 0] },
        lowerBound: hasSafeGate ? lowerBound : nil)
      mean.logA[head, 0] = decay.logA
      mean.bias[head, 0] = decay.bias
      for (channel, weight) in zip(channels, decay.weights) {
        for column in 0..<tensors.H {
          mean.rows[head, column] += weight * rows[channel, column]
        }
      }
    }
    return mean
  }

  /// The rows of a gate, where it has low rank the product of its factors.
  /// - Cost: `2 · n · d² · H` operations for a product.
  private func rows(_ name: String, _ tensors: ReplacedTensors) throws -> Matrix {
    guard isLowRank else { return try tensors.matrix(name, keyChannels, tensors.H) }
    return try tensors.matrix(name + "_b", keyChannels, headDim)
      * tensors.matrix(name + "_a", headDim, tensors.H)
  }
}
