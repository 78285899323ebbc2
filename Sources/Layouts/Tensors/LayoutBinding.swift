import Canonical
import Diagnostics
import Tensors

/// A layout expanded for one model: every stored tensor with its shape and parts.
public struct LayoutBinding: Sendable {
  /// The layout.
  public let layout: Layout
  /// The stored tensors in the order of the layout file, its per-layer rules layer by layer.
  public internal(set) var tensors: [BoundTensor]
  /// What is carried through by name.
  public let carried: [CarriedPrefix]
  /// The carry rules that are whole names, by name, and those that are prefixes.
  private let carriedNames: [String: CarriedPrefix]
  private let carriedPrefixes: [CarriedPrefix]
  /// The scales of carried tensors that are stored as FP8, by the name of the tensor.
  public internal(set) var carriedScales: [String: BoundScales] = [:]

  /// Expands a layout.
  /// - Parameter valueHeads: the order of value heads where it is not that of the layout.
  /// - Throws: `Problem` of kind `invalid` where a rule does not fit the model.
  public init(
    _ layout: Layout, _ configuration: ModelConfiguration,
    valueHeads: Assumption.HeadOrder? = nil
  ) throws {
    self.layout = layout
    func scope(_ layer: Int?) -> RuleScope {
      RuleScope(layout, configuration, layer: layer, valueHeads: valueHeads)
    }
    let model = scope(nil)
    let layers = configuration.layers.indices.map(scope)
    let rules = layout.tensors.filter(\.isPerLayer)
    let before = layout.tensors.prefix { !$0.isPerLayer }
    let after = layout.tensors.dropFirst(before.count).filter { !$0.isPerLayer }
    func bind(_ rules: some Sequence<TensorRule>, in scope: RuleScope) throws -> [BoundTensor] {
      try rules.flatMap { rule in
        do { return try scope.bind(rule) } catch { throw layout.located(error, at: rule) }
      }
    }
    tensors =
      try bind(before, in: model)
      + layers.flatMap { try bind(rules, in: $0) }
      + bind(after, in: model)
    carried = layout.carried.flatMap { rule in
      (rule.prefix.usesLayer ? layers : [model]).compactMap { $0.bind(rule) }
    }
    carriedNames = Dictionary(
      carried.filter(\.isWholeName).map { ($0.prefix, $0) }, uniquingKeysWith: { first, _ in first }
    )
    carriedPrefixes = carried.filter { !$0.isWholeName }
  }

  /// Forgets the scales of tensors that are not stored as FP8 any more.
  public mutating func dropScales(of names: Set<String>) {
    tensors = tensors.map {
      $0.scales != nil && names.contains($0.name) ? $0.with(scales: nil) : $0
    }
    for name in names { carriedScales[name] = nil }
  }

  /// The carry rule of a stored name; nil for a name that is not carried.
  public func carrier(of name: String) -> CarriedPrefix? {
    carriedNames[name] ?? carriedPrefixes.first { name.hasPrefix($0.prefix) }
  }
}

extension Layout {
  /// Whether the stored names may be those of a model, as far as the first tensor of each rule in each layer shows.
  /// - Cost: a hash for each rule and layer, whatever the number of experts.
  public func mayName(_ stored: StoredHeaders, _ configuration: ModelConfiguration) -> Bool {
    func isStored(_ rules: [TensorRule], layer: Int?) -> Bool {
      let scope = RuleScope(self, configuration, layer: layer, valueHeads: nil)
      return rules.allSatisfy { rule in
        scope.firstNames(of: rule).allSatisfy { stored.place(of: $0) != nil }
      }
    }
    let perLayer = tensors.filter(\.isPerLayer)
    return isStored(tensors.filter { !$0.isPerLayer }, layer: nil)
      && configuration.layers.indices.allSatisfy { isStored(perLayer, layer: $0) }
  }

  /// What is wrong with a rule, with its place where the layout file is not part of the build.
  fileprivate func located(_ error: any Error, at rule: TensorRule) -> any Error {
    guard let problem = error as? Problem, let record, let index = tensors.firstIndex(of: rule)
    else {
      return error
    }
    return problem.located(.place(tensorPlaces[index])).located(.file(record.name))
      .advised("correct the layout file, or the number by which it divides sizes of the model")
  }
}
