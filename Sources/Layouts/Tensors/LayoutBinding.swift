import Canonical
import Diagnostics
import Tensors

/// One canonical part of a bound tensor.
public struct BoundPart: Hashable, Sendable {
  /// What the part is.
  public let role: Role
  /// Its canonical shape.
  public let shape: [Int]
  /// Where its elements lie in the stored tensor.
  public let view: StridedView
  /// What is done to its values when it is stored.
  public var steps: [ValueStep]

  /// A part from what it is and where it lies.
  public init(role: Role, shape: [Int], view: StridedView, steps: [ValueStep] = []) {
    self.role = role
    self.shape = shape
    self.view = view
    self.steps = steps
  }
}

extension BoundPart {
  /// The same part of another expert, where experts are stored apart.
  fileprivate func of(expert: Int) -> BoundPart {
    guard expert > 0, role.expert != nil else { return self }
    return BoundPart(
      role: Role(role.name, layer: role.layer, expert: expert), shape: shape, view: view,
      steps: steps)
  }
}

/// One stored tensor as a layout prescribes it for a given model.
///
/// A class for the reason that `StoredTensor` is one: lists of hundreds of thousands are gone through
/// again and again.
public final class BoundTensor: Sendable {
  /// The stored name.
  public let name: String
  /// The names of the stored tensors that make it up, end to end along axis 0; mostly one.
  public let pieces: [String]
  /// The stored shape.
  public let shape: [Int]
  /// The canonical parts that fill it.
  public let parts: [BoundPart]
  /// The type in which it is written.
  public let storedType: TensorRule.StoredType
  /// The scales of a tensor that is stored as FP8.
  public let scales: BoundScales?

  /// A stored tensor and the parts that fill it.
  public init(
    name: String, pieces: [String], shape: [Int], parts: [BoundPart],
    storedType: TensorRule.StoredType, scales: BoundScales? = nil
  ) {
    self.name = name
    self.pieces = pieces
    self.shape = shape
    self.parts = parts
    self.storedType = storedType
    self.scales = scales
  }

  /// A tensor of which only name and shape are understood, with one part that is all of it.
  public convenience init(carrying name: String, shape: [Int]) {
    self.init(
      name: name, pieces: [name], shape: shape,
      parts: [BoundPart(role: Role(name), shape: shape, view: StridedView(contiguous: shape))],
      storedType: .keep)
  }

  /// The same content under another name.
  public func named(_ name: String) -> BoundTensor {
    BoundTensor(name: name, pieces: [name], shape: shape, parts: parts, storedType: storedType)
  }

  /// The same tensor with other parts.
  func with(parts: [BoundPart]) -> BoundTensor {
    BoundTensor(
      name: name, pieces: pieces, shape: shape, parts: parts, storedType: storedType,
      scales: scales)
  }

  /// The same tensor with scales.
  public func with(scales: BoundScales?) -> BoundTensor {
    BoundTensor(
      name: name, pieces: pieces, shape: shape, parts: parts, storedType: storedType,
      scales: scales)
  }
}

/// Stored tensors that are carried through by name, for one layer or the model.
public struct CarriedPrefix: Hashable, Sendable {
  /// How their names begin.
  public let prefix: String
  /// Their layer.
  public let layer: Int?
  /// The role whose values they repeat; the prefix is then the whole name.
  public let same: Role?
  /// Whether they belong to multi-token prediction.
  public let isPrediction: Bool
  /// Whether the original never reads the tensor; the prefix is then the whole name.
  public let isUnused: Bool
  /// How other layouts know the tensors; nil where they go by their stored names alone.
  public let shared: SharedNames?

  /// Whether the prefix is the whole name.
  var isWholeName: Bool { same != nil || isUnused }
}

/// A layout expanded for one model: every stored tensor with its shape and parts.
public struct LayoutBinding: Sendable {
  /// The layout.
  public let layout: Layout
  /// The stored tensors in the order of the layout file, its per-layer rules layer by layer.
  public internal(set) var tensors: [BoundTensor]
  /// What is carried through by name.
  public let carried: [CarriedPrefix]
  /// What is carried of which the whole name is known, by that name, and the rest.
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
    func scope(_ layer: Int?) -> Scope {
      Scope(layout, configuration, layer: layer, valueHeads: valueHeads)
    }
    let model = scope(nil)
    let layers = configuration.layers.indices.map(scope)
    let rules = layout.tensors.filter(\.isPerLayer)
    let before = layout.tensors.prefix { !$0.isPerLayer }
    let after = layout.tensors.dropFirst(before.count).filter { !$0.isPerLayer }
    tensors =
      try before.flatMap(model.bind)
      + layers.flatMap { layer in try rules.flatMap(layer.bind) }
      + after.flatMap(model.bind)
    carried = layout.carried.flatMap { rule in
      (rule.prefix.usesLayer ? layers : [model]).compactMap { $0.bind(rule) }
    }
    carriedNames = Dictionary(
      carried.filter(\.isWholeName).map { ($0.prefix, $0) }, uniquingKeysWith: { first, _ in first })
    carriedPrefixes = carried.filter { !$0.isWholeName }
  }

  /// What a stored name is carried as; nil for a name that is not carried.
  public func carrier(of name: String) -> CarriedPrefix? {
    carriedNames[name] ?? carriedPrefixes.first { name.hasPrefix($0.prefix) }
  }
}

/// The model, or one layer of it, as rules see it.
struct Scope {
  let layer: Int?
  /// The index by which names know the layer.
  let index: Int
  /// The number of layers of the model.
  let layers: Int
  let facts: Facts
  let symbols: [String: Int]
  let dimensions: [(symbol: String, size: SizeExpression)]
  let valueHeads: Assumption.HeadOrder?

  init(
    _ layout: Layout, _ configuration: ModelConfiguration, layer: Int?,
    valueHeads: Assumption.HeadOrder?
  ) {
    self.layer = layer
    self.valueHeads = valueHeads
    index = layer ?? 0
    layers = configuration.layers.count
    let ofLayer = layer.map { configuration.layers[$0].values } ?? [:]
    facts = configuration.values.merging(ofLayer) { $1 }
    symbols = configuration.symbols(of: layer.map { configuration.layers[$0] })
    dimensions = layout.dimensions
  }

  /// A layer of multi-token prediction, and the index by which names know it.
  init(_ layout: Layout, _ configuration: ModelConfiguration, prediction: Int, name index: Int) {
    layer = configuration.layers.count + prediction
    self.index = index
    layers = configuration.layers.count
    facts = configuration.values.merging(configuration.predictions[prediction].values) { $1 }
    symbols = configuration.symbols(of: configuration.predictions[prediction])
    dimensions = layout.dimensions
    valueHeads = nil
  }

  /// What a carry rule carries in this scope.
  func bind(_ rule: CarryRule) -> CarriedPrefix? {
    guard rule.condition.holds(facts) else { return nil }
    return CarriedPrefix(
      prefix: rule.prefix.name(layer: index, layers: layers), layer: layer,
      same: rule.same.map { Role($0, layer: layer) }, isPrediction: rule.isPrediction,
      isUnused: rule.isUnused, shared: rule.shared)
  }

  /// The stored tensors of one rule in this scope: none, one, or one per expert.
  func bind(_ rule: TensorRule) throws -> [BoundTensor] {
    guard rule.condition.holds(facts) else { return [] }
    var symbols = symbols
    for (symbol, size) in dimensions { symbols[symbol] = try? size.value(symbols) }
    let experts = rule.name.usesExpert || rule.isStacked ? symbols["E"] ?? 0 : 1
    return try locating(
      .tensor(rule.name.name(layer: index, layers: layers), layer: layer)
    ) {
      guard experts > 0 else { return [] }
      let first = try build(rule, symbols: symbols, expert: 0)
      if rule.isStacked {
        let others = try (1..<experts).flatMap {
          try build(rule, symbols: symbols, expert: $0).parts
        }
        return [bound(rule, first.shape, first.parts + others, expert: 0)]
      }
      return (0..<experts).map { expert in
        bound(rule, first.shape, first.parts.map { $0.of(expert: expert) }, expert: expert)
      }
    }
  }

  private func bound(_ rule: TensorRule, _ shape: [Int], _ parts: [BoundPart], expert: Int)
    -> BoundTensor
  {
    let name = rule.name.name(layer: index, expert: expert, layers: layers)
    let pieces = rule.pieces.map { $0.name(layer: index, expert: expert, layers: layers) }
    return BoundTensor(
      name: name, pieces: pieces.isEmpty ? [name] : pieces, shape: shape, parts: parts,
      storedType: rule.storedType)
  }

  private func build(_ rule: TensorRule, symbols: [String: Int], expert: Int) throws
    -> TensorBuilder
  {
    if let opaque = rule.opaque {
      let role = Role(
        rule.name.text, layer: rule.name.usesLayer ? layer : nil,
        expert: rule.name.usesExpert ? expert : nil)
      return TensorBuilder(part: role, shape: try opaque.map { try $0.value(symbols) })
    }
    let parts = rule.parts.filter { $0.condition.holds(facts) }
    let builders = try parts.map { try build($0, symbols: symbols, expert: expert) }
    var builder = builders[0]
    if let groups = rule.groups {
      builder = try TensorBuilder(
        weaving: builders, sizes: parts.map { try $0.size?.value(symbols) ?? 0 },
        groups: groups.value(symbols), axis: rule.axis)
    }
    for step in rule.steps { try builder.apply(step, symbols: symbols, expert: expert) }
    return builder
  }

  private func build(_ part: TensorRule.Part, symbols: [String: Int], expert: Int) throws
    -> TensorBuilder
  {
    let role = Role(
      part.role, layer: RoleTable.scope(part.role) == .model ? nil : layer,
      expert: RoleTable.scope(part.role) == .expert ? expert : nil)
    let shape = try (RoleTable.shape(part.role) ?? []).map { try $0.value(symbols) }
    guard TensorShape.elementCount(shape) != nil else {
      throw Problem(.invalid, "a tensor of the model has more elements than fit 64 bits")
    }
    var builder = TensorBuilder(part: role, shape: shape)
    for step in (valueHeads?.steps(of: part.role) ?? []) + part.steps {
      try builder.apply(step, symbols: symbols, expert: expert)
    }
    return builder
  }
}
