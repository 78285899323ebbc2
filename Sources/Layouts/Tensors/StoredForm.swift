import Canonical
import Tensors

/// How a checkpoint stores what layouts store differently, in words, as its names and shapes show it.
public struct StoredForm: Sendable {
  /// One aspect and what it is here.
  public typealias Aspect = (name: String, text: String)

  /// The aspects that exist in the model.
  public let aspects: [Aspect]

  /// Reads the form off a binding.
  public init(_ binding: LayoutBinding, _ configuration: ModelConfiguration) {
    let form = binding.layout.variant.name
    aspects =
      (form.isEmpty ? [] : [("form", form)])
      + [
        ("projections", binding.arrangement(of: "gdn.q", letters: Self.projections)),
        ("gates", binding.arrangement(of: "gdn.b", letters: Self.projections)),
        ("attention", binding.arrangement(of: "attention.q", letters: Self.attention)),
        ("convolution", binding.shape(of: "gdn.conv.q")),
        ("value heads", binding.valueHeadOrder(configuration)?.text),
        ("experts", binding.experts),
        ("norms", binding.norms(configuration)),
        ("A_log", binding.decay),
      ].compactMap { name, text in text.map { (name, $0) } }
  }

  private static let projections = [
    "gdn.q": "q", "gdn.k": "k", "gdn.v": "v", "gdn.z": "z", "gdn.a": "a", "gdn.b": "b",
  ]
  private static let attention = [
    "attention.q": "q", "attention.gate": "gate", "attention.k": "k", "attention.v": "v",
  ]
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
  private func holder(of role: String) -> BoundTensor? {
    tensors.first { $0.parts.contains { $0.role.name == role } }
  }

  /// Which roles share the tensor of a role, and how.
  fileprivate func arrangement(of role: String, letters: [String: String]) -> String? {
    guard let tensor = holder(of: role) else { return nil }
    let names = tensor.parts.compactMap { letters[$0.role.name] }
    guard names.count > 1 else { return names.map { "\($0) apart" }.first }
    let isApart = tensor.parts.allSatisfy(\.view.fillsItsSpan)
    return names.joined(separator: ", ") + (isApart ? " side by side" : " interleaved by head")
  }

  fileprivate func shape(of role: String) -> String? {
    holder(of: role).map { tensor in
      TensorShape.text(tensor.shape) + (tensor.parts.count > 1 ? ", q, k, v joined" : ", q apart")
    }
  }

  fileprivate var experts: String? {
    holder(of: "expert.up").map { tensor in
      let isFused = Set(tensor.parts.map(\.role.name)).count > 1
      let isStacked = Set(tensor.parts.map(\.role.expert)).count > 1
      return (isStacked ? "of a layer in one tensor" : "apart")
        + (isFused ? ", gate and up together" : "")
    }
  }

  fileprivate func norms(_ configuration: ModelConfiguration) -> String? {
    let parts = holder(of: "final_norm")?.parts
    guard configuration.normIsZeroCentred, let steps = parts?.first?.steps else { return nil }
    return steps.isEmpty ? "around zero, used as 1 + weight" : "stored with \(Self.text(steps))"
  }

  fileprivate var decay: String? {
    let parts = holder(of: "gdn.A_log")?.parts
    return parts?.first.map { $0.steps.contains(.negexp) ? "as -exp(A_log)" : "as logarithm" }
  }

  private static func text(_ steps: [ValueStep]) -> String {
    steps.map { step in
      switch step {
      case .shift(let constant): "\(constant) added"
      case .negexp: "-exp"
      }
    }.joined(separator: ", ")
  }
}
