import Diagnostics

/// The limits within which two models count as the same.
public enum Gate: Hashable, Sendable {
  /// Two computations in F32: max abs ≤ 2e-4 · max(1, std), NMSE ≤ 1e-8, max KL ≤ 1e-6.
  case f32
  /// Weights rounded to BF16: mean KL ≤ 5e-3, max KL ≤ 0.1, top-1 or a tie ≥ 99 %, NMSE ≤ 1e-4.
  case bf16
  /// Weights rounded to the levels of a quantisation: each packed tensor, each layer on the reference's input
  /// and the whole run no further off than rounding explains, which a model shows whose packed values are
  /// moved at random by as much.
  case quantised
  /// No logit and no hidden value differs by more than this.
  case maxAbs(Double)

  /// Reads `f32`, `bf16`, `quantised` or a number.
  /// - Throws: `Problem` of kind `usage`.
  public init(_ text: String) throws {
    switch text {
    case "f32": self = .f32
    case "bf16": self = .bf16
    case "quantised", "quantized": self = .quantised
    default:
      guard let limit = Double(text), limit >= 0, limit.isFinite else {
        throw Problem(
          .usage, "not a gate", expected: "f32, bf16, quantised or the largest difference allowed",
          found: text,
          remedy: "give --gate f32, --gate bf16, --gate quantised or a number such as --gate 1e-3")
      }
      self = .maxAbs(limit)
    }
  }

  /// The gate as the command line names it.
  public var text: String {
    switch self {
    case .f32: "f32"
    case .bf16: "bf16"
    case .quantised: "quantised"
    case .maxAbs(let limit): "\(limit)"
    }
  }

  /// Whether weights that differ by more than rounding fail the gate even if no run shows a difference.
  var comparesValues: Bool {
    if case .maxAbs = self { false } else { true }
  }

  /// One number that is held to a limit.
  public struct Check: Hashable, Sendable {
    /// What is measured.
    public enum Metric: String, Sendable {
      case maxAbs = "max abs"
      case nmse = "NMSE"
      case meanKL = "mean KL"
      case maxKL = "max KL"
      case top1OrTie = "top-1 or a tie"
    }

    /// What is measured.
    public let metric: Metric
    /// What was found.
    public let value: Double
    /// How large it may be, or for `top1OrTie` how small.
    public let limit: Double

    /// Whether the number is within its limit; NaN never is.
    public var passes: Bool { metric == .top1OrTie ? value >= limit : value <= limit }
  }

  /// The limits that logits are held to.
  public func checks(_ logits: LogitComparison) -> [Check] {
    func check(_ metric: Check.Metric, _ value: Double, _ limit: Double) -> Check {
      Check(metric: metric, value: value, limit: limit)
    }
    switch self {
    case .f32:
      return [
        check(.maxAbs, logits.maxAbs, 2e-4 * max(1, logits.deviation)),
        check(.nmse, logits.nmse, 1e-8), check(.maxKL, logits.maxKL, 1e-6),
      ]
    case .bf16:
      return [
        check(.meanKL, logits.meanKL, 5e-3), check(.maxKL, logits.maxKL, 0.1),
        check(.top1OrTie, logits.top1OrTie, 0.99), check(.nmse, logits.nmse, 1e-4),
      ]
    case .quantised:
      return [
        check(.nmse, logits.nmse, wholeLimit(logits.rounding.nmse)),
        check(.meanKL, logits.meanKL, wholeLimit(logits.rounding.meanKL)),
      ]
    case .maxAbs(let limit): return [check(.maxAbs, logits.maxAbs, limit)]
    }
  }

  /// The limits that the residual stream after a layer is held to.
  public func checks(_ hidden: HiddenComparison) -> [Check] {
    let nmse = { Check(metric: .nmse, value: hidden.nmse, limit: $0) }
    let maxAbs = { Check(metric: .maxAbs, value: hidden.maxAbs, limit: $0) }
    return switch self {
    case .f32: [maxAbs(2e-4 * max(1, hidden.deviation)), nmse(1e-8)]
    case .bf16: [nmse(1e-4)]
    case .quantised: [nmse(wholeLimit(hidden.rounding))]
    case .maxAbs(let limit): [maxAbs(limit)]
    }
  }

  /// Whether logits are within the limits; NaN never is.
  public func passes(_ logits: LogitComparison) -> Bool { checks(logits).allSatisfy(\.passes) }

  /// Whether the residual stream after a layer is within the limits; NaN never is.
  public func passes(_ hidden: HiddenComparison) -> Bool { checks(hidden).allSatisfy(\.passes) }
}
