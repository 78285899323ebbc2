import Canonical

extension ExpertBlock {
  /// How sure the router was of a token that it has routed: how far the score of the last expert that the token
  /// takes lies above that of the first that it does not, as a ratio where probabilities are what is compared.
  func gap(_ row: Int, _ buffers: Buffers) -> Float {
    guard k < E else { return .infinity }
    let isSigmoid = configuration.router == .sigmoid
    let scores = (isSigmoid ? buffers.marks : buffers.scores) + row * E
    let chosen = buffers.chosen + row * k
    let next = Self.largest(scores, E, except: UnsafeBufferPointer(start: chosen, count: k))
    let (last, first) = (scores[Int(chosen[k - 1])], scores[next])
    return configuration.router == .softmaxThenTopK ? last / first : last - first
  }
}
