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
  /// - Shape: `state` `[K, Vp]`; `scratch` `[K + 1, Vp]`; `y` `[steps, V]`.
  /// - Cost: `2 · K · V · (V + 1)` operations, `K · V` hyperbolic tangents and `5 · K · V` more
  ///   per step.
  static func scan(
    _ inputs: MatrixRecurrenceInputs, _ weights: MatrixRecurrenceWeights, state: MutableFloats,
    scratch: MutableFloats, y: MutableFloatRows)
}

/// What one head reads in the steps of one segment.
public struct MatrixRecurrenceInputs {
  /// Queries and keys, `[steps, K]`.
  public let q, k: FloatRows
  /// Values, `[steps, V]`.
  public let v: FloatRows
  /// Forget gates, `[steps, 1]`.
  public let f: FloatRows
  /// The number of steps.
  public let steps: Int

  /// Inputs from their parts.
  @inlinable
  public init(q: FloatRows, k: FloatRows, v: FloatRows, f: FloatRows, steps: Int) {
    (self.q, self.k, self.v, self.f, self.steps) = (q, k, v, f, steps)
  }
}

/// The weights of one head and the sizes of its state.
public struct MatrixRecurrenceWeights {
  /// W, `[Vp, Vp]`.
  public let state: Floats
  /// D, `[V]`.
  public let residual: Floats?
  /// The rows of a state.
  public let K: Int
  /// The columns of a state.
  public let V: Int

  /// Weights from their parts.
  @inlinable
  public init(state: Floats, residual: Floats?, K: Int, V: Int) {
    (self.state, self.residual, self.K, self.V) = (state, residual, K, V)
  }
}
