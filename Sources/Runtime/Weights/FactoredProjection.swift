import Canonical
import Kernels

/// A linear layer whose matrix may be the product of two: `y = B (A x)`, or `y = W x`.
struct FactoredProjection: Sendable {
  /// A, which makes the vector between; nil for a single matrix.
  private let inner: Projection?
  /// B, or the only matrix.
  private let outer: Projection

  /// The values between both matrices; 0 for a single one.
  private var rank: Int { inner?.weight.rows ?? 0 }

  /// Binds `name`, or `name_a` and `name_b` with a rank.
  /// - Throws: `Problem` of kind `invalid` where a matrix is absent or has another shape.
  init(_ name: String, rank: Int?, rows: Int, columns: Int, _ binder: Binder) throws {
    inner = try rank.map { try binder.projection(name + "_a", $0, columns) }
    outer = try binder.projection(rank == nil ? name : name + "_b", rows, rank ?? columns)
  }

  struct Buffers {
    let between: UnsafeMutablePointer<Float>  // [t, rank]
    let panels: UnsafeMutablePointer<Float>  // [t, rank] packed

    init(_ projection: FactoredProjection, tokens t: Int, _ arena: inout Arena) {
      let rank = projection.rank
      between = arena.take(t * rank)
      panels = arena.take(rank == 0 ? 0 : Operand.panelCount(tokens: t, depth: rank))
    }
  }

  /// - Shape: `target` `[tokens, rows]`.
  func run(
    _ operand: Operand, _ buffers: Buffers, _ workspace: Workspace,
    to target: UnsafeMutablePointer<Float>
  ) {
    guard let inner else { return workspace.multiply(operand, outer, to: target) }
    workspace.multiply(operand, inner, to: buffers.between)
    let between = workspace.pack(
      buffers.between, tokens: operand.tokens, depth: rank, panels: buffers.panels)
    workspace.multiply(between, outer, to: target)
  }
}
