import Canonical

/// What stands between the last layer and the head.
enum Ending: Sendable {
  /// The final norm.
  case norm(Norm)
  /// What is read of several residual streams.
  case streams(HyperConnection)

  init(_ binder: Binder) throws {
    let configuration = binder.model.configuration
    self =
      configuration.hasStreams
      ? .streams(try HyperConnection("final_hyper", binder, injects: false))
      : .norm(try binder.norm("final_norm", configuration.hidden))
  }

  /// - Shape: `h` `[rows, S·H]`, `x` `[rows, H]`.
  func apply(
    _ h: UnsafePointer<Float>, rows: Int, to x: UnsafeMutablePointer<Float>,
    _ workspace: Workspace
  ) {
    switch self {
    case .norm(let norm): norm.apply(h, rows: rows, to: x, workspace.pool)
    case .streams(let mixer): mixer.read(h, tokens: rows, workspace, to: x)
    }
  }

  /// Takes the scratch memory of a segment, which is free again afterwards.
  func measure(tokens t: Int, _ arena: inout Arena) {
    if case .streams(let mixer) = self { mixer.measure(tokens: t, &arena) }
  }
}
