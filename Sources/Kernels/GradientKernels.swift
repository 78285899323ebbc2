/// What fitting a layer needs beside running it.
public protocol GradientKernels: SendableMetatype {
  /// `C += A B`.
  /// - Shape: `a` `[rows, depth]`, `b` `[depth, columns]`, `c` `[rows, columns]`, each with its row
  ///   stride.
  static func addProduct(
    _ a: Floats, stride aStride: Int, _ b: Floats, stride bStride: Int, to c: MutableFloats,
    stride cStride: Int, rows: Int, depth: Int, columns: Int
  )

  /// Runs the M²RNN recurrence of one head and keeps what its gradient needs.
  ///
  /// - Shape: `weight` `[Vp, Vp]`; per step `k` `[K]` and `v` `[V]` with row stride `stride`, `f` one
  ///   value with stride `heads`; `row` `[Vp]`; `states` `[steps + 1, K, Vp]`, of which the first is
  ///   given; `candidates` `[steps, K, Vp]`.
  static func record(
    weight: Floats, k: Floats, v: Floats, stride: Int, f: Floats, heads: Int, steps: Int, K: Int,
    V: Int, row: MutableFloats, states: MutableFloats, candidates: MutableFloats
  )

  /// The gradient of the M²RNN recurrence of one head, from the last step to the first.
  ///
  /// - Shape: `states` and `candidates` as `record` leaves them; `weight` the transposed state weight
  ///   `[Vp, Vp]`; `dy` `[V]` per step with row stride `dyStride`; `dState` `[K, Vp]`, the gradient of
  ///   the last state, which becomes that of the first; `scratch` `[K + 2, Vp]`; `dq` and `dk` `[steps,
  ///   K]`, `dv` `[V]` per step with row stride `dvStride`, `df` one value with stride `heads`;
  ///   `dWeight` `[Vp, Vp]`, to which is added.
  static func backward(
    weight: Floats, q: Floats, k: Floats, v: Floats, stride: Int, f: Floats, heads: Int,
    steps: Int, K: Int, V: Int, states: Floats, candidates: Floats, dy: Floats, dyStride: Int,
    dState: MutableFloats, scratch: MutableFloats, dq: MutableFloats, dk: MutableFloats,
    dv: MutableFloats, dvStride: Int, df: MutableFloats, dWeight: MutableFloats
  )
}
