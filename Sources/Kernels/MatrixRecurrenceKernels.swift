/// The M²RNN recurrence of one head (arXiv 2603.14360, section 3).
///
/// ```
/// Z = tanh(S W + k vᵀ);  S = f S + (1 - f) Z;  y = qᵀ S (+ D ⊙ v)
/// ```
/// Rows of V values are padded with zeros to a multiple of sixteen, which the rule leaves zero.
public protocol MatrixRecurrenceKernels: SendableMetatype {
  /// The multiple to which rows of V values are padded.
  static var padding: Int { get }

  /// Runs the recurrence over the steps of one segment.
  ///
  /// - Shape: `state` and `z` `[K, Vp]`, `weight` `[Vp, Vp]`, `row` `[Vp]`; per step `q` and `k`
  ///   `[K]` and `v` `[V]` with row stride `stride`, `f` one value with stride `heads`, `y` `[V]`
  ///   with row stride `outputStride`; `D` `[V]`.
  /// - Cost: `2 · K · V · (V + 1)` operations, `K · V` hyperbolic tangents and `5 · K · V` more
  ///   per step.
  static func scan(
    state: MutableFloats, weight: Floats, q: Floats, k: Floats, v: Floats, stride: Int, f: Floats,
    heads: Int, D: Floats?, steps: Int, K: Int, V: Int, z: MutableFloats, row: MutableFloats,
    y: MutableFloats, outputStride: Int
  )
}
