import Canonical
import Kernels
import Platform

/// The forget gate of a recurrence with a decay for each channel.
///
/// `exp(-exp(A_log) · softplus(a + dt_bias))`, or with a lower bound
/// `exp(bound · sigmoid(exp(A_log) · (a + dt_bias)))`.
struct ChannelDecay: Sendable {
  /// `exp(A_log)`, per head.
  private let A: [Float]
  /// `[heads · d]`
  private let dtBias: FloatBuffer
  private let lowerBound: Float?

  init(logA: [Float], dtBias: FloatBuffer, lowerBound: Double?) {
    A = logA.map { exp($0) }
    self.dtBias = dtBias
    self.lowerBound = lowerBound.map { Float($0) }
  }

  /// Replaces what the projection gives for one token by its decays.
  /// - Shape: `a` `[heads · d]`.
  func apply(_ a: UnsafeMutablePointer<Float>) {
    let count = dtBias.count
    kernels.elementwise.add(a, dtBias.pointer, scale: 1, count: count)
    if let lowerBound {
      scaleHeads(a, sign: 1)
      kernels.activations.sigmoid(a, count, 0)
      kernels.elementwise.scale(a, by: lowerBound, count: count)
    } else {
      kernels.activations.softplus(a, count, 0)
      scaleHeads(a, sign: -1)
    }
    kernels.elementwise.exponential(a, count: count)
  }

  private func scaleHeads(_ a: UnsafeMutablePointer<Float>, sign: Float) {
    let d = dtBias.count / A.count
    for head in A.indices { kernels.elementwise.scale(a + head * d, by: sign * A[head], count: d) }
  }
}
