import Canonical
import Diagnostics
import Layouts
import Opening
import Tensors

/// What an adapter does to the tensors of one layout, or why it does not fit them.
struct AdapterPlacement {
  let names: AdapterNames
  private(set) var items: [Item] = []
  private(set) var products = 0
  private(set) var replaced = 0
  /// The numbers of rows of replaced embeddings and heads, where they are not those of the base.
  private(set) var vocabularies: Set<Int> = []
  /// The embeddings and heads that are replaced.
  private(set) var replacedRoles: Set<Role> = []
  /// The names that the layout has not.
  private(set) var missing: [String] = []
  private(set) var problems: [Problem] = []
  private let adapter: Adapter

  /// Whose program stored the adapter.
  var family: AdapterConfig.Family { adapter.config.family }

  /// Whether a change is rounded to the type of the weight before the sum is.
  var roundsChange: Bool { adapter.config.roundsChange }

  /// What the product of the factors of a module is multiplied with.
  func scale(_ module: String, rank: Int) -> Double {
    adapter.scale * adapter.config.scale(of: module, rank: rank)
  }

  /// Whether some of it has its place.
  var isPartly: Bool { !items.isEmpty || !vocabularies.isEmpty }

  /// Whether everything has its place.
  var fits: Bool { missing.isEmpty && problems.isEmpty }

  init(_ adapter: Adapter, _ names: AdapterNames) {
    (self.adapter, self.names) = (adapter, names)
    for (name, tensor) in adapter.tensors.replacements { replace(name, tensor) }
    guard vocabularies.isEmpty else { return }
    for module in adapter.tensors.modules {
      do { try place(module) } catch { problems += error.asProblems }
    }
  }

  /// Bytes of the base with the adapter's values in the place of its own.
  private mutating func replace(_ name: String, _ tensor: AdapterTensor) {
    if let original = names.original(ofCopy: name) {
      return replaceCopy(name, tensor, of: original)
    }
    guard let target = names.tensor(name) else { return missing.append(name) }
    if unties(target, name) { return problems.append(AdapterProblem.leftBehind(tensor)) }
    if target.hasRowPerToken, tensor.shape.count == 2, tensor.shape[1] == target.shape.last {
      replacedRoles.formUnion(target.parts.map(\.role))
      guard tensor.shape[0] == target.shape[0] else {
        vocabularies.insert(tensor.shape[0])
        return
      }
    }
    guard TensorShape.withoutOuterOnes(target.shape) == TensorShape.withoutOuterOnes(tensor.shape)
    else {
      return problems.append(
        AdapterProblem.shape(tensor, of: name, TensorShape.text(target.shape)))
    }
    replaced += 1
    items.append(Item(target, replacedBy: tensor))
  }

  /// Whether an embedding was trained apart from the head that reads it in the base.
  private func unties(_ target: BoundTensor, _ name: String) -> Bool {
    names.isTied && target.parts.map(\.role.name) == ["embedding"] && !adapter.config.keepsTies
      && adapter.config.saved.contains(where: name.contains)
      && !adapter.tensors.replacements.contains { names.original(ofCopy: $0.name) != nil }
  }

  /// The head of a tied model, which the base reads from its embedding, must be that of the adapter.
  private mutating func replaceCopy(
    _ name: String, _ tensor: AdapterTensor, of original: BoundTensor
  ) {
    let other = adapter.tensors.replacements.first { $0.name == original.name }?.tensor
    guard let other, let isSame = try? tensor.hasValues(of: other), isSame else {
      return problems.append(AdapterProblem.untied(tensor, original.name))
    }
    if let stored = names.tensor(name), stored.shape == tensor.shape {
      items.append(Item(stored, replacedBy: tensor))
    }
  }

  private mutating func place(_ module: AdapterTensors.Module) throws {
    if let tokens = module.tokens { try placeTokens(tokens, of: module.name) }
    guard let a = module.a, let b = module.b else {
      if let stray = module.magnitude ?? module.bias { throw AdapterProblem.alone(stray) }
      return
    }
    guard family != .peft || a.shape.count == 2 else { throw AdapterProblem.convolution(a) }
    if let original = names.original(ofCopy: module.name + ".weight") {
      throw AdapterProblem.untied(a, original.name)
    }
    let candidates = candidates(module.name)
    guard !candidates.isEmpty else { return missing.append(module.name) }
    let fitting = try candidates.compactMap { target in
      try update(module, a, b, of: target).map { (target, $0) }
    }
    guard let (target, update) = chosen(fitting, module.name) else {
      throw AdapterProblem.factors(a, b, of: candidates.map(\.name), candidates[0].shape)
    }
    try checkRank(update, module, target, a)
    products += 1
    try add(update, module, target)
    if let bias = module.bias { try addBias(bias, module, update.scale) }
  }

  private mutating func add(
    _ update: LowRankUpdate, _ module: AdapterTensors.Module, _ target: BoundTensor
  ) throws {
    let isNormed = adapter.config.isDoRA
    let change = AdapterRecord.Change(
      module: patternName(module, target), kind: isNormed ? .normedProduct : .product,
      rank: update.rank, scale: Double(update.scale))
    guard isNormed else {
      if let norms = module.magnitude { throw AdapterProblem.strayNorms(norms) }
      return items.append(Item(target, change) { _ in AddedProduct(update: update) })
    }
    guard let magnitude = module.magnitude else { throw AdapterProblem.noMagnitude(module.name) }
    guard adapter.config.family == .peft, update.experts == 1 else {
      throw AdapterProblem.dora(magnitude)
    }
    // PEFT takes an embedding for the transposed matrix of a linear layer.
    let axis: NormedProduct.Axis = module.isEmbedding ? .columns : .rows
    let count = module.isEmbedding ? update.columns : update.rows
    guard magnitude.elementCount == count else {
      throw AdapterProblem.shape(magnitude, of: target.name, "\(count)")
    }
    items.append(Item(target, change) { NormedProduct(update, magnitude, of: axis, in: $0) })
  }

  /// The tensors that a module may stand for.
  private func candidates(_ module: String) -> [BoundTensor] {
    if let whole = names.tensor(module) { return [whole] }
    if let weight = names.tensor(module + ".weight") { return [weight] }
    return names.below(module).filter { $0.shape.count > 1 }
  }

  /// The only tensor that fits, or the one that the settings name.
  private func chosen(_ fitting: [(BoundTensor, LowRankUpdate)], _ module: String)
    -> (BoundTensor, LowRankUpdate)?
  {
    if fitting.count < 2 { return fitting.first }
    let named = fitting.filter { isNamed($0.0) }
    return named.count == 1 ? named[0] : nil
  }

  /// Whether the settings name a tensor itself, not its module.
  func isNamed(_ target: BoundTensor) -> Bool {
    adapter.config.parameters.contains { ModuleName.ends(target.name, with: $0) }
  }

  /// Whether the factors are those of a tensor itself, not of a module with a weight.
  func isParameter(_ target: BoundTensor) -> Bool {
    !target.name.hasSuffix(".weight") || isNamed(target)
  }

  /// The name that patterns of the settings are about: that of the tensor where the settings name tensors.
  func patternName(_ module: AdapterTensors.Module, _ target: BoundTensor) -> String {
    family == .peft && isParameter(target) ? target.name : module.name
  }

  private func checkRank(
    _ update: LowRankUpdate, _ module: AdapterTensors.Module, _ target: BoundTensor,
    _ a: AdapterTensor
  ) throws {
    guard let rank = adapter.config.expectedRank(of: patternName(module, target)),
      rank != update.rank
    else {
      return
    }
    throw Problem(
      .invalid, "a factor of the adapter has another rank than its settings say", file: a.file,
      tensor: a.name, expected: "\(rank)", found: "\(update.rank)",
      remedy: "fetch adapter_config.json and the weights of one and the same adapter")
  }

  private mutating func addBias(
    _ bias: AdapterTensor, _ module: AdapterTensors.Module, _ scale: Float
  ) throws {
    guard let target = names.tensor(module.name + ".bias") else {
      throw Problem(
        .unsupported, "the adapter changes a bias that the base has not", file: bias.file,
        tensor: bias.name, expected: module.name + ".bias",
        remedy: "train the adapter without lora_bias; PEFT cannot merge it either")
    }
    guard target.shape == bias.shape else {
      throw AdapterProblem.shape(bias, of: target.name, TensorShape.text(target.shape))
    }
    let change = AdapterRecord.Change(
      module: module.name, kind: .bias, rank: nil, scale: Double(scale))
    items.append(Item(target, change) { _ in AddedVector(tensor: bias, scale: scale) })
  }

  private mutating func placeTokens(_ tokens: AdapterTensor, of module: String) throws {
    guard let target = names.tensor(module + ".weight"), target.shape.count == 2 else {
      return missing.append(module)
    }
    let known = adapter.config.tokens.filter {
      $0.module.map { ModuleName.ends(module, with: $0) } ?? true
    }
    let indices = known.first?.indices ?? []
    let columns = target.shape[1]
    guard tokens.shape == [indices.count, columns], indices.allSatisfy({ $0 < target.shape[0] }),
      Set(indices).count == indices.count
    else {
      throw AdapterProblem.shape(
        tokens, of: target.name,
        "\(indices.count)×\(columns), for tokens below \(target.shape[0])")
    }
    let rows = Dictionary(uniqueKeysWithValues: indices.enumerated().map { ($1, $0) })
    replaced += 1
    let change = AdapterRecord.Change(module: module, kind: .rows, rank: nil, scale: nil)
    items.append(
      Item(target, change) { _ in ReplacedRows(tensor: tokens, rows: rows, columns: columns) })
  }
}

extension BoundTensor {
  /// Whether it is an embedding or a head, with a row for each token.
  fileprivate var hasRowPerToken: Bool {
    parts.count == 1 && parts.allSatisfy { RoleTable.hasRowPerToken($0.role.name) }
  }
}

/// Names of modules.
enum ModuleName {
  /// Whether a name is another, or ends with it behind a dot.
  static func ends(_ name: String, with end: String) -> Bool {
    name == end || name.hasSuffix("." + end)
  }
}
