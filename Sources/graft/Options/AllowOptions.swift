import ArgumentParser
import Layouts

/// What may happen that is refused, or not done, otherwise.
struct AllowOptions: ParsableArguments {
  @Option(
    name: .customLong("allow"),
    help: ArgumentHelp(
      "What may happen that is refused otherwise; several with commas.",
      discussion: Allowance.meanings), completion: .allowances)
  var allowances: [Allowances] = []

  /// All that the option allows, each time it is given.
  var allow: Set<Allowance> { Set(allowances.flatMap(\.each)) }

  /// The kinds of tensors without a place that may be left out.
  var strays: Set<StrayTensor> {
    let kinds: Set<StrayTensor> = allow.contains(.vision) ? [.vision] : []
    return allow.contains(.extra) ? kinds.union(StrayTensor.extra) : kinds
  }
}

/// Something that is refused, or not done, unless it is allowed by name.
enum Allowance: String, CaseIterable {
  case lossy, extra, vision, code, eps

  private var meaning: String {
    switch self {
    case .lossy: "casts change values"
    case .extra: "vision and unknown tensors without a place are left out"
    case .vision: "those of vision alone"
    case .code: "programs beside the weights travel, and the keys that name them"
    case .eps: "a mixer may have another eps, which the layout fixes"
    }
  }

  fileprivate static var meanings: String {
    allCases.map { "\($0.rawValue): \($0.meaning)" }.joined(separator: "; ") + "."
  }
}

/// Allowances with commas between them.
struct Allowances: ExpressibleByArgument {
  let each: [Allowance]

  init?(argument: String) {
    let names = argument.split(separator: ",", omittingEmptySubsequences: false)
    each = names.compactMap { Allowance(rawValue: String($0)) }
    guard each.count == names.count else { return nil }
  }

  static var allValueStrings: [String] { Allowance.allCases.map(\.rawValue) }
}
