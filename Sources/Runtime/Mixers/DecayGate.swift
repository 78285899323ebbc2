import Kernels
import Platform

/// The forget gate of a recurrence, `exp(-exp(A_log) · softplus(a + dt_bias))`.
struct DecayGate: Sendable {
  /// `exp(A_log)`, per head.
  private let A: [Float]
  private let dtBias: [Float]

  init(logA: [Float], dtBias: [Float]) {
    A = logA.map { exp($0) }
    self.dtBias = dtBias
  }

  var heads: Int { A.count }

  /// Computes one row.
  /// - Shape: `a` `[groups]`, where head n reads group `n / (heads / groups)`; `target` `[heads]`.
  func apply(_ a: UnsafePointer<Float>, groups: Int, to target: UnsafeMutablePointer<Float>) {
    for n in 0..<heads { target[n] = a[n / (heads / groups)] + dtBias[n] }
    kernels.activations.softplus(target, heads, 0)
    for n in 0..<heads { target[n] *= -A[n] }
    kernels.elementwise.exponential(target, count: heads)
  }
}
