import Canonical
import Kernels
import Threads

/// A normalisation layer with its weights.
struct Norm: Sendable {
  let kind: NormKind
  let width: Int
  let epsilon: Float
  /// What normalised values are multiplied with, `[width]`.
  let weight: FloatBuffer
  /// `[width]`, layer norm only.
  let bias: FloatBuffer?

  /// Normalises one row; source and target may be the same.
  func apply(_ x: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>) {
    let weights = NormWeights(
      weight: weight.pointer, bias: bias.map { UnsafePointer($0.pointer) }, epsilon: epsilon,
      count: width)
    switch kind {
    case .rmsnorm: kernels.norms.rms(x, weights, target: target)
    case .layernorm: kernels.norms.layer(x, weights, target: target)
    }
  }

  /// Normalises `[rows, width]`.
  func apply(
    _ x: UnsafePointer<Float>, rows: Int, to target: UnsafeMutablePointer<Float>, _ pool: ThreadPool
  ) {
    pool.run(rows, by: 16) { range in
      for row in range { apply(x + row * width, to: target + row * width) }
    }
  }
}
