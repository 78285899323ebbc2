import Canonical
import Kernels

/// A norm and a sum: `h += scale · block(norm(h))`, or `h += scale · norm(block(h))`.
struct ResidualConnection: BlockConnection {
  let placement: LayerConfiguration.NormPlacement
  let norm: Norm
  let scale: Float

  func run(
    tokens t: Int, _ workspace: Workspace,
    _ block: (UnsafePointer<Float>, UnsafeMutablePointer<Float>) throws -> Void
  ) rethrows {
    let (h, x, y) = (
      workspace.hidden.pointer, workspace.normed.pointer, workspace.blockOutput.pointer
    )
    switch placement {
    case .pre:
      norm.apply(h, rows: t, to: x, workspace.pool)
      try block(x, y)
    case .post:
      try block(h, y)
      norm.apply(y, rows: t, to: y, workspace.pool)
    }
    let width = norm.width
    workspace.pool.run(t, by: 16) { rows in
      let first = rows.lowerBound * width
      kernels.elementwise.add(h + first, y + first, scale: scale, count: rows.count * width)
    }
  }

  func measure(tokens t: Int, _ arena: inout Arena) {}
}
