import Kernels

extension Operand {
  /// Packs all panels on this thread.
  func packAll() {
    for panel in 0..<Operand.panels(tokens) { pack(panel: panel) }
  }
}

extension Projection {
  /// Computes all chunks on this thread.
  /// - Shape: `target` `[tokens, rows]` with row stride `stride`, by default the number of rows.
  func runAll(
    _ operand: Operand, to target: UnsafeMutablePointer<Float>, stride: Int? = nil,
    scratch: UnsafeMutablePointer<Float>
  ) {
    for chunk in 0..<chunks(operand) {
      run(chunk: chunk, operand, to: target, stride: stride ?? weight.rows, scratch: scratch)
    }
  }
}
