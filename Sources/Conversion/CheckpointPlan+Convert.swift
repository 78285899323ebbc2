import Canonical
import Containers
import Diagnostics
import JSON
import Layouts
import Tensors

extension CheckpointPlan {
  /// Plans a conversion into a layout.
  /// - Throws: `Problem` or `ProblemList` of kind `unsupported`, with every reason, where the layout
  ///   cannot hold the model or a value could be lost and that is not allowed.
  public init(converting source: OpenedModel, to layout: Layout, options: ConversionOptions) throws
  {
    let target = try ConversionTarget(source, layout, options)
    try options.checkOverrides(target.binding.tensors.map(\.name))
    var tensors = try target.binding.tensors.map { bound in
      Tensor(try TensorMove(bound, from: target.model, cast: options.cast(for: bound.name)))
    }
    tensors += try target.kept.map { stored in
      guard let original = source.original(of: stored) else {
        return Tensor(stored, rule: .carried)
      }
      return Tensor(
        try TensorMove(
          original.named(stored.name), from: target.model,
          cast: options.cast(for: original.name)))
    }
    if !options.allowsLoss { try Self.refuseLoss(tensors) }
    let byName = Dictionary(tensors.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    let container = options.container(from: source, to: layout)
    let shardPlan = ShardPlan(
      tensors.map { (name: $0.name, byteCount: $0.byteCount) },
      maximum: options.maximumShardSize, container: container)
    self.init(
      layout: layout.id, container: container,
      shards: shardPlan.shards.map { shard in
        Shard(
          fileName: shard.fileName, tensors: shard.tensors.compactMap { byName[$0] }, clone: nil,
          metadata: layout.metadata)
      },
      writesIndex: shardPlan.shards.count > 1, config: target.config,
      sidecars: source.checkpoint.sidecars.map(source.checkpoint.path),
      dropped: target.dropped + source.checkpoint.leftBehind)
  }

  private static func refuseLoss(_ tensors: [Tensor]) throws {
    let losses = tensors.compactMap { tensor -> (name: String, loss: String)? in
      guard case .move(let move) = tensor.content, let loss = move.loss else { return nil }
      return (tensor.name, loss)
    }
    let kinds = Set(losses.map(\.loss)).sorted()
    try ProblemList.throwIfAny(
      kinds.map { kind in
        let names = NameFolding.fold(losses.filter { $0.loss == kind }.map(\.name))
        return Problem(
          .unsupported, "writing would change values: \(kind)",
          tensor: names.prefix(3).joined(separator: ", ") + (names.count > 3 ? ", …" : ""),
          remedy: "add --allow lossy if that is meant")
      })
  }
}

extension CheckpointPlan.Tensor {
  init(_ move: TensorMove) {
    self.init(
      name: move.target.name, type: move.type, shape: move.target.shape, rule: move.rule,
      content: .move(move))
  }

  init(_ stored: StoredTensor, rule: TensorRuleName) {
    self.init(
      name: stored.name, type: stored.type, shape: stored.shape, rule: rule,
      content: .stored(stored))
  }
}

extension TensorMove {
  fileprivate var rule: TensorRuleName {
    if pieces.contains(where: { $0.source.steps != $0.steps }) { return .computed(type) }
    let changed = pieces.filter { !isVerbatim($0) }.map(\.source.type)
    if let from = changed.min(by: { $0.writingOrder < $1.writingOrder }) {
      return .cast(from: from, to: type)
    }
    return wholeSource == nil ? .rearranged : .copied
  }
}
