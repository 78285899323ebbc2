import Canonical
import Diagnostics
import Layouts

/// Evidence from stored values about how they are stored, which names and shapes do not show.
public struct ValueSign: Hashable, Sendable {
  /// Whether the values support the reading or speak against it.
  public enum Verdict: String, Sendable {
    case agrees
    case undecided
    case contradicts
    /// No values can be stored in that way, whatever the user says.
    case refutes
  }

  /// What was looked at, such as `norms` or `A_log`.
  public let subject: String
  /// What the values say.
  public let verdict: Verdict
  /// What was seen.
  public let text: String
  /// The assumption that would confirm the reading against the values, and the one that follows them.
  public let remedy: String?

  /// Whether the values speak against the reading.
  public var isDoubt: Bool { verdict == .contradicts || verdict == .refutes }

  /// A head with a smaller logarithm would forget next to nothing in hundreds of tokens; trainers draw
  /// rates up to 16, so that `-exp(A_log)` goes far below.
  static let smallestLogarithm: Float = -6

  /// `-exp(A_log)` is below zero, `exp(A_log)` above it; a logarithm may be anything.
  /// - Cost: reads the decay rates.
  static func decay(_ model: CanonicalModel) throws -> ValueSign? {
    let roles = RoleTable.names(showing: .decay)
    let tensors = model.tensors(of: roles).filter(\.type.isComputable)
    guard !tensors.isEmpty else { return nil }
    let step = tensors.lazy.compactMap { $0.steps.first(where: \.isExponential) }.first
    let values = try model.values(of: roles)
    // Read as an exponential: the logarithm exists only where all stored values are on one side of zero.
    if let step {
      let side = step == .negexp ? "below" : "above"
      let isPossible = values.allSatisfy(\.isFinite)
      return ValueSign(
        subject: "A_log", verdict: isPossible ? .agrees : .refutes,
        text: isPossible
          ? "all stored values are \(side) zero" : "some stored values are not \(side) zero",
        remedy: isPossible ? nil : "say how it is stored with --assume A_log=log or A_log=negexp")
    }
    // Read as logarithms: one value of zero or more proves it, one far below zero speaks against it.
    let isLogarithm = values.contains { $0 >= 0 }
    guard isLogarithm || values.allSatisfy({ $0 >= smallestLogarithm }) else {
      return ValueSign(
        subject: "A_log", verdict: .contradicts,
        text:
          "all values are below zero, down to \(values.min() ?? 0), which looks like -exp(A_log)",
        remedy: "say how it is stored with --assume A_log=log or A_log=negexp")
    }
    return ValueSign(
      subject: "A_log", verdict: isLogarithm ? .agrees : .undecided,
      text: isLogarithm
        ? "some values are not below zero, so this is not -exp(A_log)"
        : "all values are below zero, as logarithms and -exp(A_log) may be", remedy: nil)
  }
}

extension CanonicalModel {
  /// The number that this reading subtracts from stored norm weights.
  fileprivate var normShift: Int {
    let steps = tensors[Role("final_norm")]?.steps ?? []
    return steps.reduce(0) { sum, step in
      if case .shift(let constant) = step { sum + Int(constant) } else { sum }
    }
  }

  /// All values of some roles.
  fileprivate func values(of roles: Set<String>) throws -> [Float] {
    try tensors(of: roles).filter(\.type.isComputable).flatMap { try $0.floats() }
  }
}
