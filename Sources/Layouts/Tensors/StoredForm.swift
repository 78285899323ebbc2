import Canonical
import Tensors

/// The storage choices of a checkpoint in which layouts differ, in words, as names and shapes show them.
public struct StoredForm: Sendable {
  /// One aspect and what it is here.
  public typealias Aspect = (name: String, text: String)

  /// The aspects that exist in the model.
  public let aspects: [Aspect]

  /// Reads the form off a binding.
  public init(_ binding: LayoutBinding, _ configuration: ModelConfiguration) {
    let form = binding.layout.form.name
    aspects =
      (form.isEmpty ? [] : [("form", form)])
      + FormAspect.allCases.compactMap { aspect in
        binding.text(of: aspect, configuration).map { (aspect.rawValue, $0) }
      }
  }
}

extension Assumption.HeadOrder {
  fileprivate var text: String {
    switch self {
    case .grouped: "grouped by key head"
    case .tiled: "tiled: one of every key head, then the next"
    }
  }
}

extension LayoutBinding {
  fileprivate func text(of aspect: FormAspect, _ configuration: ModelConfiguration) -> String? {
    let roles = RoleTable.names(showing: aspect)
    let holder = tensors.first { $0.parts.contains { roles.contains($0.role.name) } }
    return switch aspect {
    case .projections, .gates, .attention: holder.flatMap(arrangement)
    case .convolution: holder.map(shape)
    case .valueHeads: valueHeadOrder(configuration)?.text
    case .experts: holder.map(experts)
    case .norms: holder.flatMap { norms($0, configuration) }
    case .decay:
      holder?.parts.first.map {
        $0.steps.first(where: \.isExponential).map { "as \($0 == .negexp ? "-" : "")exp(A_log)" }
          ?? "as logarithm"
      }
    }
  }

  /// Which roles share a tensor, and how.
  private func arrangement(of tensor: BoundTensor) -> String? {
    let names = tensor.parts.compactMap { RoleTable[$0.role.name]?.shortName }
    guard names.count > 1 else { return names.map { "\($0) apart" }.first }
    let isApart = tensor.parts.allSatisfy(\.view.fillsItsSpan)
    return names.joined(separator: ", ") + (isApart ? " side by side" : " interleaved by head")
  }

  private func shape(of tensor: BoundTensor) -> String {
    TensorShape.text(tensor.shape) + (tensor.parts.count > 1 ? ", q, k, v joined" : ", q apart")
  }

  private func experts(in tensor: BoundTensor) -> String {
    let isFused = Set(tensor.parts.map(\.role.name)).count > 1
    let isStacked = Set(tensor.parts.map(\.role.expert)).count > 1
    return (isStacked ? "of a layer in one tensor" : "apart")
      + (isFused ? ", gate and up together" : "")
  }

  private func norms(_ tensor: BoundTensor, _ configuration: ModelConfiguration) -> String? {
    guard configuration.normIsZeroCentred, let steps = tensor.parts.first?.steps else { return nil }
    return steps.isEmpty ? "around zero, used as 1 + weight" : "stored with \(Self.text(steps))"
  }

  private static func text(_ steps: [ValueStep]) -> String {
    steps.map { step in
      switch step {
      case .shift(let constant): "\(constant) added"
      case .negexp: "-exp"
      case .exp: "exp"
      }
    }.joined(separator: ", ")
  }
}
