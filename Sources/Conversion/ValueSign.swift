import Canonical
import Diagnostics
import Layouts

/// What stored values say about a form that names and shapes do not show.
public struct ValueSign: Hashable, Sendable {
  /// What the values say about the reading.
  public enum Verdict: String, Sendable {
    case agrees
    case undecided
    case contradicts
    /// No values can be stored in that way, whatever the user says.
    case refutes
  }

  /// What was looked at, `norms` or `A_log`.
  public let subject: String
  /// What the values say.
  public let verdict: Verdict
  /// What was seen.
  public let text: String
  /// The assumption that would confirm the reading against the values, and the one that follows them.
  public let remedy: String?

  /// Whether the values speak against the reading.
  public var isDoubt: Bool { verdict == .contradicts || verdict == .refutes }

  /// Looks at the values of a model that was read in some form.
  /// - Cost: reads the norms and decay rates, a few kilobytes per layer.
  static func all(of model: CanonicalModel) throws -> [ValueSign] {
    try [norms(model), decay(model)].compactMap { $0 }
  }

  /// Norm weights that multiply as `1 + weight` lie around 0. Where all of them lie around another
  /// whole number, that number was added before they were stored, or was not.
  static func norms(_ model: CanonicalModel) throws -> ValueSign? {
    guard model.configuration.normIsZeroCentred else { return nil }
    let shift = model.normShift
    let values = try model.values(of: CanonicalModel.centredNorms).sorted()
    guard !values.isEmpty else { return nil }
    func quantile(_ share: Double) -> Float { values[Int(share * Double(values.count - 1))] }
    let median = quantile(0.5)
    let centre = median.rounded()
    let isClear =
      abs(median - centre) <= 0.25 && quantile(0.1) > centre - 0.5 && quantile(0.9) < centre + 0.5
    let stored = (Double(median + Float(shift)) * 100).rounded() / 100
    guard isClear, centre != 0 else {
      return ValueSign(
        subject: "norms", verdict: isClear ? .agrees : .undecided,
        text: "median \(stored), \(shift) expected", remedy: nil)
    }
    return ValueSign(
      subject: "norms", verdict: .contradicts,
      text:
        "median \(stored), which looks as if \(shift + Int(centre)) had been added, not \(shift)",
      remedy: "say which with --assume norm-offset=\(shift + Int(centre)) or norm-offset=\(shift)")
  }

  /// A head with a smaller logarithm would forget next to nothing in hundreds of tokens; trainers draw
  /// rates up to 16, so that `-exp(A_log)` goes far below.
  private static let smallestLogarithm: Float = -6

  /// `-exp(A_log)` is below zero; a logarithm may be anything.
  private static func decay(_ model: CanonicalModel) throws -> ValueSign? {
    let tensors = model.tensors(of: ["gdn.A_log"]).filter(\.type.isComputable)
    guard !tensors.isEmpty else { return nil }
    let isNegated = tensors.contains { $0.steps.contains(.negexp) }
    let values = try model.values(of: ["gdn.A_log"])
    if isNegated {
      let isPossible = values.allSatisfy(\.isFinite)
      return ValueSign(
        subject: "A_log", verdict: isPossible ? .agrees : .refutes,
        text: isPossible
          ? "all stored values are below zero" : "some stored values are not below zero",
        remedy: isPossible ? nil : "say how it is stored with --assume A_log=log or A_log=negexp")
    }
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
  /// What the reading takes off stored norm weights.
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
