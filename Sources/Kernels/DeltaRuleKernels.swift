/// The gated delta rule, some steps at a time.
///
/// The steps of a chunk read the state before it together. With `Γᵢ = γ₁ ⋯ γᵢ` and `D = Γᵢ / Γⱼ`,
/// which is computed as a product and never divided:
/// ```
/// uᵢ = βᵢ (vᵢ - Γᵢ Sᵀkᵢ - Σ_{j<i} D (kᵢ·kⱼ) uⱼ)    S: the state before the chunk
/// oᵢ = Γᵢ Sᵀqᵢ + Σ_{j≤i} D (qᵢ·kⱼ) uⱼ
/// S' = Γ_c S + Σⱼ (Γ_c / Γⱼ) kⱼ uⱼᵀ               c: the last step of the chunk
/// ```
/// Columns of V are independent, so that a block of them stays in the first cache.
///
/// Source: the chunkwise form of arXiv 2412.06464, section 3.3, its triangular system solved row by row.
public protocol DeltaRuleKernels: SendableMetatype {
  /// The most steps of a chunk.
  static var chunk: Int { get }
  /// The columns of a block.
  static var blockWidth: Int { get }
  /// The values that `scan` needs for itself.
  static var scratchCount: Int { get }

  /// The values that the packed queries and keys of a chunk take.
  static func packedCount(dk: Int) -> Int

  /// Brings queries and keys of one chunk to unit length and lays them out for `scan`.
  ///
  /// - Parameters:
  ///   - epsilon: what is added to the sum of squares.
  ///   - scale: the length of a query.
  /// - Shape: `packed` `[dk, 2 chunk]` with the steps of k, then of q, followed by `[2 chunk, chunk]`,
  ///   the products of k and q with k.
  static func pack(_ keys: DeltaRuleKeys, epsilon: Float, scale: Float, packed: MutableFloats)

  /// Runs the rule over the steps of one chunk for a block of columns.
  ///
  /// - Shape: `o` `[steps, columns]`; `scratch` `[scratchCount]`.
  /// - Cost: `(6 dk + 4 steps) · columns` operations per step.
  static func scan(
    _ inputs: DeltaRuleInputs, state: DeltaRuleState, o: MutableFloatRows, scratch: MutableFloats)
}

/// The queries and keys of one chunk.
public struct DeltaRuleKeys {
  /// `[steps, dk]`
  public let q, k: FloatRows
  /// The number of steps.
  public let steps: Int
  /// The values of a key.
  public let dk: Int

  /// Queries and keys from their parts.
  @inlinable
  public init(q: FloatRows, k: FloatRows, steps: Int, dk: Int) {
    (self.q, self.k, self.steps, self.dk) = (q, k, steps, dk)
  }
}

/// What one head reads in the steps of one chunk.
public struct DeltaRuleInputs {
  /// Queries and keys as `pack` leaves them.
  public let packed: Floats
  /// A block of columns of the values, `[steps, columns]`.
  public let v: FloatRows
  /// Decays and learning rates, `[steps, 1]`.
  public let gamma, beta: FloatRows
  /// The number of steps.
  public let steps: Int

  /// Inputs from their parts.
  @inlinable
  public init(packed: Floats, v: FloatRows, gamma: FloatRows, beta: FloatRows, steps: Int) {
    (self.packed, self.v, self.gamma, self.beta) = (packed, v, gamma, beta)
    self.steps = steps
  }
}

/// A block of columns of the state of one head.
public struct DeltaRuleState {
  /// `[dk, blockWidth]`
  public let values: MutableFloats
  /// The values of a key.
  public let dk: Int
  /// How many of the columns there are.
  public let columns: Int

  /// A state in the given place.
  @inlinable
  public init(_ values: MutableFloats, dk: Int, columns: Int) {
    (self.values, self.dk, self.columns) = (values, dk, columns)
  }
}
