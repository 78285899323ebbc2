import Canonical
import Containers
import Diagnostics
import JSON
import Layouts
import Opening
import Packing
import Tensors

extension CheckpointPlan {
  /// Plans a conversion into a layout.
  /// - Throws: `Problem` of kind `unsupported`, with every reason, where the layout
  ///   cannot hold the model or a value could be lost and that is not allowed.
  public init(converting source: OpenedModel, to layout: Layout, options: ConversionOptions) throws
  {
    try source.layout.requireUnderstood()
    try layout.requireUnderstood()
    let target = try ConversionTarget(source, layout, options)
    try options.checkRules(target.binding.tensors.flatMap(\.pieces))
    let container = try options.container(from: source, to: layout)
    let packed = try PackedMoves(source, to: layout, target.history, container)
    let bound = target.binding.tensors.flatMap(\.separated) + target.predictions
    let policy = try options.quantisation?.policy(for: source, to: layout, options)
    let forms =
      try policy.map { policy in
        try options.forms(of: bound + options.layersBeside(target.kept), by: policy).merging(
          policy.forms(carried: target.kept.filter(source.isPrediction)),
          uniquingKeysWith: { first, _ in first })
      } ?? [:]
    try options.checkImportances(
      target.binding.tensors,
      target.predictions + target.kept.map { BoundTensor(carrying: $0.name, shape: $0.shape) })
    let moves = try Self.moves(bound) { bound in
      let cast = options.cast(for: bound.name, as: forms[bound.name])
      let move = options.weighed(try target.move(bound, cast: cast, tears: packed.tears))
      let encoded = forms[bound.name]?.tensors(of: move, in: layout)
      return (
        move, try encoded ?? packed.tensors(of: move, cast: cast) ?? Tensor.withScales(move)
      )
    }
    // Understood tensors are moved, the others carried; neither may lose values or be of a type that the files
    // cannot hold.
    let carried = try Self.carried(source, target, packed, forms, options)
    let names = Set((moves.flatMap(\.tensors) + carried.tensors).map(\.name))
    let repacked = Repacked(moves.flatMap(\.tensors) + carried.tensors)
    let beside = try BesidePacked(
      source, written: names, repacked: repacked.names,
      keepsFP8: moves.contains { $0.move.scales != nil })
    let tensors = options.laidOut(moves.flatMap(\.tensors) + carried.tensors + beside.kept)
    try Self.refuseLoss(tensors.filter { !options.allowsRounding($0, as: forms[$0.name]) })
    let byName = Dictionary(tensors.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    try Self.refuseTypes(tensors, container)
    let files = try TravellingFiles(
      source.checkpoint, allowsCode: options.allowsCode,
      keepsRecordings: source.adapters.isEmpty,
      stale: source.leftover + beside.stale + source.mergedNeighbours,
      edited: source.packing?.editedFiles(for: target.binding, packed: beside.packed) ?? [:])
    let own = Self.ownNames(of: container)
    // Tensors are spread over files before anything else, because metadata and index name the files.
    let shardPlan = ShardPlan(
      tensors.map { (name: $0.name, byteCount: $0.byteCount) },
      maximum: options.maximumShardSize, container: container)
    let shards = try shardPlan.shards.enumerated().map { index, shard in
      Shard(
        fileName: shard.fileName, tensors: shard.tensors.compactMap { byName[$0] }, clone: nil,
        metadata: layout.metadata,
        values: try target.metadata?.values(
          mostly: Self.commonType(tensors), quantised: options.quantisation?.fileType,
          by: options.importances, part: index, of: shardPlan.shards.count,
          tensors: tensors.count) ?? [])
    }
    let scaled = moves.filter { $0.move.scales != nil }.map(\.move.target.name)
    let quantised = beside.packed.union(scaled + carried.quantised)
    let config: [UInt8]
    if container.hasMetadata {
      config = GGUFConfig.text(
        shards[0].values, shards.flatMap(\.tensors).map { ($0.name, $0.shape) })
    } else if let repacked = try packed.config(target, repacked) {
      config = repacked
    } else {
      config = target.configBytes(from: source, quantised: quantised) {
        policy?.config($0, saying: forms, of: tensors.map(\.name)) ?? $0
      }
    }
    self.init(
      source: source, layout: layout.id, container: container, shards: shards,
      writesIndex: container.isDistributed || shards.count > 1 && container.isIndexed,
      config: config,
      sidecars: files.files.filter { !own.contains($0.name) },
      code: layout.code(for: source.configuration),
      dropped: target.dropped + carried.dropped + beside.dropped + files.dropped
        + files.files.filter { own.contains($0.name) }
        .map { LeftOut(.file, $0.name, "the container has a file of this name") }
        + source.checkpoint.leftBehind)
    layoutFile = layout.record
    keys = try options.keys(in: container)
    megatron = try megatronOptions(in: layout)
    // What the way back needs: the configs of the layouts before, and values that cannot be computed back.
    notes = layout.notes(source.configuration, widened: moves.count(where: \.move.isWidened))
    allowed = target.allowed
    keepsValues =
      options.cast == nil && options.quantisation == nil && layout.id != source.layout.id
    if options.keepsConfig {
      origins = source.origins(target.history)
      kept = target.history?.kept ?? []
    }
    try checkFiles()
  }

  /// How a tensor of the layout is filled, and what is written for it.
  private typealias PlannedMove = (move: TensorMove, tensors: [Tensor])

  /// The plans of stored tensors.
  /// - Throws: `Problem` with every reason, each once for all tensors it concerns.
  private static func moves(
    _ tensors: [BoundTensor], _ plan: (BoundTensor) throws -> PlannedMove
  ) throws -> [PlannedMove] {
    var problems = FoldedProblems()
    let moves = tensors.compactMap { bound in
      problems.collecting(bound.name) { try plan(bound) }
    }
    try problems.throwIfAny()
    return moves
  }

  /// Carried tensors as they are, or, where a type is asked for, dequantised.
  private static func carried(
    _ source: OpenedModel, _ target: ConversionTarget, _ packed: PackedMoves,
    _ forms: [String: QuantisedForm], _ options: ConversionOptions
  ) throws -> (tensors: [Tensor], quantised: [String], dropped: [LeftOut]) {
    var tensors: [Tensor] = []
    var quantised: [String] = []
    var consumed: Set<String> = []
    for stored in target.kept {
      let asked = stored.packed == nil ? .keep : options.cast(for: stored.name)
      // Known to both layouts under a shared name, such as tensors of a vision tower: renamed, reordered.
      if let moves = try source.sharedMoves(stored, to: target.binding, cast: asked) {
        tensors += try moves.flatMap { try packed.tensors(of: $0, cast: asked) ?? [Tensor($0)] }
        if moves.count > 1 { quantised.append(moves[0].target.name) }
      } else if let original = source.original(of: stored) {
        // A copy of another tensor, such as a tied head: written as that tensor is.
        let cast = options.cast(for: original.name)
        let roles = original.parts.map(\.role)
        let bound = target.binding.tensors.first { $0.parts.map(\.role) == roles } ?? original
        let move = try target.move(bound.named(stored.name), cast: cast)
        tensors += try packed.tensors(of: move, cast: cast) ?? [Tensor(move)]
      } else if let kept = try packed.carried(stored, cast: asked) {
        // Packed, and nothing more is known: its parts as they are, or its values.
        tensors += kept
      } else if let form = forms[stored.name], stored.type.isFloat {
        let bound = BoundTensor(carrying: stored.name, shape: stored.shape)
        let move = options.weighed(
          try TensorMove(
            bound, [stored.values], cast: options.cast(for: stored.name, as: form), scaleName: nil,
            narrow: nil))
        tensors += try form.tensors(of: move, in: target.binding.layout) ?? [Tensor(move)]
      } else if case let cast = options.cast(for: stored.name), cast != .keep,
        let scaled = source.scaledCarried(stored)
      {
        // Quantised with scales, and a type is asked for: dequantised, so that the scales are left out.
        let bound = BoundTensor(carrying: stored.name, shape: stored.shape)
        tensors.append(
          Tensor(try TensorMove(bound, [scaled], cast: cast, scaleName: nil, narrow: nil)))
        if let scales = scaled.scales { consumed.insert(scales.origin) }
      } else {
        // Everything else keeps its bytes.
        if source.binding.carriedScales[stored.name] != nil { quantised.append(stored.name) }
        tensors.append(Tensor(stored, rule: source.rule(ofCarried: stored.name)))
      }
    }
    return (
      tensors.filter { !consumed.contains($0.name) }, quantised,
      consumed.sorted().map { LeftOut(.tensor, $0, "scale of a dequantised weight") }
    )
  }

  /// The type that most values have.
  static func commonType(_ tensors: [Tensor]) -> ScalarType {
    let counts = tensors.reduce(into: [ScalarType: Int]()) { counts, tensor in
      counts[tensor.type, default: 0] += TensorShape.elementCount(tensor.shape) ?? 0
    }
    return counts.max { ($0.value, $1.key.rawValue) < ($1.value, $0.key.rawValue) }?.key ?? .f32
  }
}

extension OpenedModel {
  /// The rule of a carried tensor that keeps its bytes.
  fileprivate func rule(ofCarried name: String) -> TensorRuleName {
    if changedNames.contains(name) { return .merged }
    return foreignNames.contains(name) ? .tuned : .carried
  }
}
