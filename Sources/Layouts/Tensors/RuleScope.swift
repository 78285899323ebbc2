import Canonical
import Diagnostics
import Tensors

/// The model, or one layer of it, as rules see it.
struct RuleScope {
  let layer: Int?
  /// The number that stands for the layer in stored names.
  let index: Int
  /// The number of layers of the model.
  let layers: Int
  let facts: Facts
  let symbols: [String: Int]
  let dimensions: [(symbol: String, size: SizeExpression)]
  let valueHeads: Assumption.HeadOrder?
  /// How the halves of `mtp.fc` stand.
  var halves = Assumption.Halves.kept

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

  /// A layer of multi-token prediction.
  /// - Parameter index: the number that stands for the layer in stored names.
  init(
    _ layout: Layout, _ configuration: ModelConfiguration, prediction: Int, namedBy index: Int
  ) {
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
      isUnused: rule.isUnused, shared: rule.shared?.named(layer: layer))
  }

  /// The stored tensors of one rule in this scope: none, one, or one per expert.
  func bind(_ rule: TensorRule) throws -> [BoundTensor] {
    guard rule.condition.holds(facts) else { return [] }
    var symbols = symbols
    // A size of `dims` may depend on symbols that this layer does not have. Then it is undefined here, and
    // only a rule that uses it in this layer is refused, by the name of the size.
    let (known, used) = (symbols, rule.sizes.reduce(into: Set()) { $0.formUnion($1.symbols) })
    let experts = rule.name.usesExpert || rule.isStacked ? symbols["E"] ?? 0 : 1
    return try locating(
      .tensor(rule.name.name(layer: index, layers: layers), layer: layer)
    ) {
      for (symbol, size) in dimensions {
        let isKnown = used.contains(symbol) && size.symbols.allSatisfy { known[$0] != nil }
        symbols[symbol] = isKnown ? try size.value(symbols) : try? size.value(symbols)
      }
      guard experts > 0 else { return [] }
      let first = try build(rule, symbols: symbols, expert: 0)
      if rule.isStacked {
        let others = try (1..<experts).flatMap {
          try build(rule, symbols: symbols, expert: $0).parts
        }
        return [bound(rule, first.shape, first.parts + others, expert: 0)]
      }
      let pieces = try pieces(of: rule, first.shape, symbols)
      return (0..<experts).map { expert in
        bound(
          rule, first.shape, first.parts.map { $0.of(expert: expert) }, expert: expert,
          pieces: pieces)
      }
    }
  }

  /// The names of the first stored tensor of a rule in this scope, and of those that make it up; none where there is
  /// no such tensor.
  func firstNames(of rule: TensorRule) -> [String] {
    let isOfExperts = rule.name.usesExpert || rule.isStacked
    guard rule.condition.holds(facts), !isOfExperts || symbols["E"] ?? 0 > 0 else { return [] }
    let templates = rule.pieces.isEmpty ? [rule.name] : rule.pieces
    return templates.map { $0.name(layer: index, layers: layers) }
  }

  /// The most stored tensors that make up one.
  private static let mostPieces = 1 << 16

  /// The names of stored tensors of equal size that make up one.
  private func pieces(of rule: TensorRule, _ shape: [Int], _ symbols: [String: Int]) throws
    -> [String]
  {
    guard let size = rule.pieceCount else { return [] }
    let count = try size.value(symbols)
    guard let rows = shape.first, (1...Self.mostPieces).contains(count), rows % count == 0 else {
      throw Problem(
        .invalid, "the rows of a tensor cannot be divided among pieces of equal size",
        expected: "a divisor of \(shape.first ?? 0)", found: "\(count)")
    }
    return (0..<count).map { rule.name.name(layer: index, layers: layers, piece: $0) }
  }

  private func bound(
    _ rule: TensorRule, _ shape: [Int], _ parts: [BoundPart], expert: Int, pieces: [String] = []
  ) -> BoundTensor {
    let name = rule.name.name(layer: index, expert: expert, layers: layers)
    let pieces =
      pieces + rule.pieces.map { $0.name(layer: index, expert: expert, layers: layers) }
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
      let shape = try opaque.map { try $0.value(symbols) }
      try TensorBuilder.checkCount(shape)
      return TensorBuilder(part: role, shape: shape)
    }
    let parts = rule.parts.filter { $0.condition.holds(facts) }
    let builders = try parts.map { try build($0, symbols: symbols, expert: expert) }
    guard var builder = builders.first else {
      throw Problem(
        .invalid, "a rule of the layout holds for a model without any of its parts",
        remedy: FormatValue.remedy)
    }
    if let groups = rule.groups {
      builder = try TensorBuilder(
        weaving: builders, sizes: parts.map { try $0.size?.value(symbols) ?? 0 },
        groups: groups.value(symbols), axis: rule.axis)
    }
    for step in rule.steps { try builder.apply(step, symbols: symbols, expert: expert) }
    return builder
  }

  private func build(_ part: PartRule, symbols: [String: Int], expert: Int) throws
    -> TensorBuilder
  {
    let role = Role(
      part.role, layer: RoleTable.scope(part.role) == .model ? nil : layer,
      expert: RoleTable.scope(part.role) == .expert ? expert : nil)
    let shape = try (RoleTable.shape(part.role) ?? []).map { try $0.value(symbols) }
    try TensorBuilder.checkCount(shape)
    var builder = TensorBuilder(part: role, shape: shape)
    for step in (valueHeads?.steps(of: part.role) ?? []) + halves.steps(of: part.role)
      + part.steps
    {
      try builder.apply(step, symbols: symbols, expert: expert)
    }
    return builder
  }
}
