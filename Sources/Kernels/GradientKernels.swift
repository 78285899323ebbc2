/// What fitting a layer needs beside running it.
public protocol GradientKernels: SendableMetatype {
  /// The columns of a panel of B.
  static var panelWidth: Int { get }

  /// Lays out B for `addProduct`: panels of columns one after the other, zeros after the last.
  /// - Shape: `b` `[depth, columns]`, `panels` `[columns / panel, depth, panel]`.
  static func pack(_ b: FloatRows, depth: Int, columns: Int, panels: MutableFloats)

  /// `C += A B`, each sum in the order of its depth.
  /// - Shape: `a` `[rows, depth]`, `panels` B as `pack` leaves it, `c` `[rows, columns]`.
  static func addProduct(
    _ a: FloatRows, panels: Floats, to c: MutableFloatRows, _ shape: ProductShape)

  /// Exchanges rows and columns.
  /// - Shape: `source` `[rows, columns]`, `target` `[columns, rows]`.
  static func transpose(_ source: FloatRows, rows: Int, columns: Int, to target: MutableFloatRows)

  /// Runs the M²RNN recurrence of one head and keeps what its gradient needs.
  static func record(
    _ inputs: MatrixRecurrenceInputs, _ weights: MatrixRecurrenceWeights,
    to history: MatrixRecurrenceHistory)

  /// The gradient of the M²RNN recurrence of one head, from the last step to the first; none comes from
  /// the state after the last.
  ///
  /// - Parameters:
  ///   - weights: with the state weight transposed; the residual is left out.
  ///   - history: as `record` leaves it.
  ///   - dy: the gradient of the output, `[steps, V]`.
  static func backward(
    _ inputs: MatrixRecurrenceInputs, transposed weights: MatrixRecurrenceWeights,
    _ history: MatrixRecurrenceHistory, dy: FloatRows, to gradient: MatrixRecurrenceGradient)
}

/// The sizes of a product of matrices.
public struct ProductShape {
  /// The rows of the result.
  public let rows: Int
  /// The length of the sums.
  public let depth: Int
  /// The columns of the result.
  public let columns: Int

  /// A shape from its parts.
  @inlinable
  public init(rows: Int, depth: Int, columns: Int) {
    (self.rows, self.depth, self.columns) = (rows, depth, columns)
  }
}

/// What the gradient of the recurrence of one head needs of its run.
public struct MatrixRecurrenceHistory {
  /// The states before each step and after the last, `[steps + 1, K, Vp]`; the first is given.
  public let states: MutableFloats
  /// What each step moves the state towards, `[steps, K, Vp]`.
  public let candidates: MutableFloats
  /// What the kernels need for themselves, `[2 K + 2, Vp]`.
  public let scratch: MutableFloats

  /// A history in the given places.
  @inlinable
  public init(states: MutableFloats, candidates: MutableFloats, scratch: MutableFloats) {
    (self.states, self.candidates, self.scratch) = (states, candidates, scratch)
  }
}

/// Where the gradient of the recurrence of one head goes.
public struct MatrixRecurrenceGradient {
  /// Of queries and keys, `[steps, K]`.
  public let q, k: MutableFloatRows
  /// Of values, `[steps, V]`.
  public let v: MutableFloatRows
  /// Of forget gates, `[steps, 1]`.
  public let f: MutableFloatRows
  /// Of the state weight, `[Vp, Vp]`, to which is added.
  public let weight: MutableFloats

  /// A gradient in the given places.
  @inlinable
  public init(
    q: MutableFloatRows, k: MutableFloatRows, v: MutableFloatRows, f: MutableFloatRows,
    weight: MutableFloats
  ) {
    (self.q, self.k, self.v, self.f, self.weight) = (q, k, v, f, weight)
  }
}
