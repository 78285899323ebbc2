import Canonical
import Kernels
import Threads

/// A norm over each of several streams that lie side by side, with weights of its own for each.
struct StreamNorm: Sendable {
  /// The norm of each stream.
  private let norms: [Norm]
  private let H: Int

  /// The values of a row.
  var width: Int { norms.count * H }

  /// Binds the weights of all streams, `[S·H]`.
  init(_ name: String, _ binder: Binder) throws {
    let configuration = binder.model.configuration
    let (S, H) = (configuration.streams, configuration.hidden)
    self.H = H
    let weight = try binder.values(name, [S * H])
    let centre: Float = configuration.normIsZeroCentred ? 1 : 0
    norms = try (0..<S).map { stream in
      Norm(
        kind: .rmsnorm, width: H, epsilon: Float(configuration.normEpsilon),
        weight: try FloatBuffer(weight[stream * H..<(stream + 1) * H].map { centre + $0 }),
        bias: nil)
    }
  }

  /// Normalises one row, `[S, H]`; source and target may be the same.
  func apply(_ x: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>) {
    for (stream, norm) in norms.enumerated() {
      norm.apply(x + stream * H, to: target + stream * H)
    }
  }

  /// Normalises `[rows, S, H]`.
  func apply(
    _ x: UnsafePointer<Float>, rows: Int, to target: UnsafeMutablePointer<Float>, _ pool: ThreadPool
  ) {
    pool.run(rows, by: 16) { range in
      for row in range { apply(x + row * width, to: target + row * width) }
    }
  }
}
