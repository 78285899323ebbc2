/// The delta rule with a decay for each channel of the keys, some steps at a time.
///
/// As `DeltaRuleKernels`, but decays are vectors: `Λᵢ = γ₁ ⊙ ⋯ ⊙ γᵢ` and `D = Λᵢ / Λⱼ`, which is computed as a
/// product and never divided:
/// ```
/// uᵢ = βᵢ (vᵢ - Sᵀ(Λᵢ ⊙ kᵢ) - Σ_{j<i} (kᵢ · (D ⊙ kⱼ)) uⱼ)    S: the state before the chunk
/// oᵢ = Sᵀ(Λᵢ ⊙ qᵢ) + Σ_{j≤i} (qᵢ · (D ⊙ kⱼ)) uⱼ
/// S' = Diag(Λ_c) S + Σⱼ ((Λ_c / Λⱼ) ⊙ kⱼ) uⱼᵀ                c: the last step of the chunk
/// ```
/// All that decays touch is packed once for all columns of V; for steps in different halves of a chunk, D is the product
/// of two decays, up to the middle and from it.
///
/// Source: the recurrence of Kimi Delta Attention (arXiv 2510.26692), in the chunkwise form of
/// arXiv 2412.06464, section 3.3.
public protocol ChannelDeltaRuleKernels: SendableMetatype {
  /// The most steps of a chunk.
  static var chunk: Int { get }
  /// The columns of a block.
  static var blockWidth: Int { get }
  /// The values that `scan` needs for itself.
  static var scratchCount: Int { get }

  /// The values that the packed queries and keys of a chunk take.
  static func packedCount(dk: Int) -> Int

  /// Brings queries and keys of one chunk to unit length and lets them decay for `scan`.
  ///
  /// - Parameters:
  ///   - gamma: the decays, `[steps, dk]`.
  ///   - epsilon: what is added to the sum of squares.
  ///   - scale: the length of a query.
  /// - Cost: about `2 dk · steps` operations per step: 5 for each pair of steps in the same half of the chunk and each
  ///   channel, 4 for each pair in different halves.
  static func pack(
    _ keys: DeltaRuleKeys, gamma: FloatRows, epsilon: Float, scale: Float, packed: MutableFloats)

  /// Runs the rule over the steps of one chunk for a block of columns.
  ///
  /// - Shape: `o` `[steps, columns]`; `scratch` `[scratchCount]`.
  /// - Cost: `(6 dk + 4 steps) · columns` operations per step.
  static func scan(
    _ inputs: ChannelDeltaRuleInputs, state: DeltaRuleState, o: MutableFloatRows,
    scratch: MutableFloats)
}

/// What one head reads in the steps of one chunk.
public struct ChannelDeltaRuleInputs {
  /// Queries and keys as `pack` leaves them.
  public let packed: Floats
  /// A block of columns of the values, `[steps, columns]`.
  public let v: FloatRows
  /// The learning rates, `[steps, 1]`.
  public let beta: FloatRows
  /// The number of steps.
  public let steps: Int

  /// Inputs from their parts.
  @inlinable
  public init(packed: Floats, v: FloatRows, beta: FloatRows, steps: Int) {
    (self.packed, self.v, self.beta, self.steps) = (packed, v, beta, steps)
  }
}
