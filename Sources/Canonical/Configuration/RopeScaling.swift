import Platform

/// How RoPE frequencies are stretched for contexts longer than those of training.
///
/// Source: transformers `modeling_rope_utils.py`, lm-engine `rope.py`, YaRN (arXiv 2309.00071).
public struct RopeScaling: Hashable, Sendable {
  /// The rule by which frequencies are stretched.
  public enum Kind: String, CaseIterable, Sendable {
    case none
    /// All by the same factor.
    case linear
    /// Slow ones by the factor, fast ones not at all, those between by a ramp.
    case yarn
  }

  /// The rule by which RoPE frequencies are stretched.
  public var kind = Kind.none
  /// s, by how much RoPE frequencies are stretched.
  public var factor = 1.0
  /// L, the context for which RoPE frequencies were first trained.
  public var originalPositions = 0
  /// YaRN: what cosines and sines are multiplied with; nil where it follows from the factor.
  public var attentionFactor: Double?
  /// YaRN: the weight of log s in the numerator of the attention factor.
  public var mscale: Double?
  /// YaRN: the weight of log s in its denominator.
  public var mscaleAllDims: Double?
  /// YaRN: from how many rotations over L on a frequency is kept.
  public var betaFast = 32.0
  /// YaRN: up to how many rotations over L a frequency is stretched in full.
  public var betaSlow = 1.0
  /// YaRN: whether the ends of the ramp between both are whole numbers of pairs.
  public var isTruncated = true

  /// What cosines and sines are multiplied with.
  public var magnitude: Double {
    guard kind == .yarn else { return 1 }
    if let attentionFactor { return attentionFactor }
    guard let mscale, let mscaleAllDims, mscale != 0, mscaleAllDims != 0 else {
      return magnitude(weight: 1)
    }
    return magnitude(weight: mscale) / magnitude(weight: mscaleAllDims)
  }

  /// What latent attention multiplies scores with: the square of the magnitude that the denominator of the attention
  /// factor takes out of cosines and sines.
  public var scoreFactor: Double {
    guard kind == .yarn, let mscaleAllDims, mscaleAllDims != 0 else { return 1 }
    let magnitude = magnitude(weight: mscaleAllDims)
    return magnitude * magnitude
  }

  private func magnitude(weight: Double) -> Double {
    factor <= 1 ? 1 : 0.1 * weight * log(factor) + 1
  }

  /// The facts that decide nothing under some rules.
  static let options = [
    "rope.factor", "rope.original_positions", "rope.attention_factor", "rope.mscale",
    "rope.mscale_all_dims", "rope.beta_fast", "rope.beta_slow", "rope.truncate",
  ]

  /// What is out of range, and the value.
  var disagreements: [(what: String, found: String)] {
    var found: [(String, String)] = []
    if kind != .none, !(factor.isFinite && factor > 0) {
      found.append(("rope.factor must be positive", "\(factor)"))
    }
    guard kind == .yarn else { return found }
    if !(1...Largest.count).contains(originalPositions) {
      found.append(("rope.original_positions must be positive", "\(originalPositions)"))
    }
    for (name, beta) in [("fast", betaFast), ("slow", betaSlow)] where !(beta.isFinite && beta > 0)
    {
      found.append(("rope.beta_\(name) must be positive", "\(beta)"))
    }
    return found
  }
}
