import Diagnostics

/// The limits within which two models count as the same.
public enum Gate: Hashable, Sendable {
  /// Two computations in F32: max abs ≤ 2e-4 · max(1, std), NMSE ≤ 1e-8, max KL ≤ 1e-6.
  case f32
  /// Weights rounded to BF16: mean KL ≤ 5e-3, max KL ≤ 0.1, top-1 ≥ 99 %, NMSE ≤ 1e-4.
  case bf16
  /// No logit and no hidden value differs by more than this.
  case maxAbs(Double)

  /// Reads `f32`, `bf16` or a number.
  /// - Throws: `Problem` of kind `usage`.
  public init(_ text: String) throws {
    switch text {
    case "f32": self = .f32
    case "bf16": self = .bf16
    default:
      guard let limit = Double(text), limit >= 0, limit.isFinite else {
        throw Problem(
          .usage, "not a gate", expected: "f32, bf16 or the largest difference allowed",
          found: text)
      }
      self = .maxAbs(limit)
    }
  }

  /// The gate as the command line names it.
  public var text: String {
    switch self {
    case .f32: "f32"
    case .bf16: "bf16"
    case .maxAbs(let limit): "\(limit)"
    }
  }

  /// Whether logits are within the limits; NaN never is.
  public func passes(_ logits: LogitComparison) -> Bool {
    switch self {
    case .f32:
      logits.maxAbs <= 2e-4 * max(1, logits.deviation) && logits.nmse <= 1e-8
        && logits.maxKL <= 1e-6
    case .bf16:
      logits.meanKL <= 5e-3 && logits.maxKL <= 0.1 && logits.top1Agreement >= 0.99
        && logits.nmse <= 1e-4
    case .maxAbs(let limit): logits.maxAbs <= limit
    }
  }

  /// Whether the residual stream after a layer is within the limits; NaN never is.
  public func passes(_ hidden: HiddenComparison) -> Bool {
    switch self {
    case .f32: hidden.maxAbs <= 2e-4 * max(1, hidden.deviation) && hidden.nmse <= 1e-8
    case .bf16: hidden.nmse <= 1e-4
    case .maxAbs(let limit): hidden.maxAbs <= limit
    }
  }
}
