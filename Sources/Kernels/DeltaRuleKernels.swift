/// The gated delta rule on a few columns of one head's state.
///
/// Columns of V are independent, so that a block of them stays in the first cache for all steps. The
/// update of step t and the products of step t+1 with the state are one pass:
/// ```
/// u = γ kᵀS;  δ = β (v - u);  o = γ qᵀS + (q·k) δ;  S = γ S + k δᵀ
/// ```
public protocol DeltaRuleKernels: SendableMetatype {
  /// The columns of a block for a number of key dims.
  static func blockWidth(dk: Int) -> Int

  /// Runs the rule over the steps of one segment.
  ///
  /// - Shape: `state` `[dk, blockWidth]`; per step `q` and `k` `[dk]` with row stride `stride`, `v`
  ///   `[columns]` with row stride `stride`, `qk` one value with stride `keyHeads`, `gamma` and
  ///   `beta` one value with stride `valueHeads`, `o` `[columns]` with row stride `outputStride`.
  /// - Cost: `8 · dk · columns` operations per step; the state is read and written once per step.
  static func scan(
    state: MutableFloats, q: Floats, k: Floats, v: Floats, stride: Int, qk: Floats, keyHeads: Int,
    gamma: Floats, beta: Floats, valueHeads: Int, steps: Int, dk: Int, columns: Int,
    o: MutableFloats, outputStride: Int
  )
}
