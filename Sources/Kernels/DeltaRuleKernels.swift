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
  /// - Shape: `q` and `k` `[steps, dk]` with row stride `stride`; `packed` `[dk, 2 chunk]` with the
  ///   steps of k, then of q, followed by `[2 chunk, chunk]`, the products of k and q with k.
  static func pack(
    q: Floats, k: Floats, stride: Int, steps: Int, dk: Int, epsilon: Float, scale: Float,
    packed: MutableFloats
  )

  /// Runs the rule over the steps of one chunk for a block of columns.
  ///
  /// - Shape: `state` `[dk, blockWidth]`; per step `v` `[columns]` with row stride `stride`, `gamma`
  ///   and `beta` one value with stride `valueHeads`, `o` `[columns]` with row stride `outputStride`.
  /// - Cost: `(6 dk + 4 steps) · columns` operations per step.
  static func scan(
    state: MutableFloats, packed: Floats, v: Floats, stride: Int, gamma: Floats, beta: Floats,
    valueHeads: Int, steps: Int, dk: Int, columns: Int, o: MutableFloats, outputStride: Int,
    scratch: MutableFloats
  )
}
