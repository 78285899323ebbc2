/// What the facts of a layer depend on in the model around it.
public struct Surroundings: Hashable, Sendable {
  /// H, the width of the residual stream.
  let hidden: Int
  /// The eps of the model's norms.
  let normEpsilon: Double
  /// The dims of a head that RoPE rotates where their number is given.
  let ropeDim: Int
  /// The share of a head dim that RoPE rotates where that counts.
  let ropeFraction: Double?
  /// Whether the model has RoPE.
  let hasRope: Bool

  /// The dims that RoPE rotates, of a head of some dim.
  func ropeDim(of headDim: Int) -> Int {
    guard let ropeFraction else { return ropeDim }
    // Asked before sizes are checked: a head dim out of range must not leave the range of `Int`.
    let dims = min(max(headDim, 0), Largest.extent)
    return Int(Double(dims) * min(max(ropeFraction, 0), 1))
  }
}
