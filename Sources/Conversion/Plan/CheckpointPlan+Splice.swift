import Canonical
import Comparison
import Containers
import Diagnostics
import JSON
import Layouts
import Opening
import Tensors

extension CheckpointPlan {
  /// Plans the edit of some layers: files without a changed tensor are cloned, in the others every
  /// other tensor keeps its bytes.
  /// - Parameters:
  ///   - source: the checkpoint.
  ///   - edited: its model with roles of some layers replaced.
  ///   - layers: the layers that changed.
  ///   - allowsCode: whether programs travel, and keys that name them.
  /// - Throws: `Problem` where the edited model does not fit the layout.
  public init(
    editing source: OpenedModel, to edited: CanonicalModel, layers: [Int], allowsCode: Bool = false
  ) throws {
    try source.layout.requireUnderstood()
    try Self.checkNames(source)
    let binding = try LayoutBinding(source.layout, edited.configuration)
    let replacedLayers = Set(layers)
    let fresh = binding.tensors.filter { bound in
      bound.parts.contains { part in
        part.role.layer.map(replacedLayers.contains) == true
          && !Self.isSame(source.canonical.tensors[part.role], edited.tensors[part.role])
      }
    }
    // A file is written anew if it holds a tensor that changes or is removed, or receives a new tensor. The
    // scales of a removed weight are removed as well.
    let homeless = source.carried.map(\.name).filter { binding.carrier(of: $0) == nil }
    let gone = Set(source.binding.tensors.flatMap(\.pieces))
      .subtracting(binding.tensors.flatMap(\.pieces)).union(homeless)
    let touched = gone.union(fresh.map(\.name))
    let quantised = source.binding.tensors.filter { $0.scales != nil }
    let removed = source.storedNames(of: touched, gone: gone).union(
      quantised.filter { touched.contains($0.name) }.compactMap { $0.scales?.name })
    let replaced = touched.union(removed)
    let stayingPacked = Set(source.packing?.schemes.flatMap(\.weights) ?? [])
      .subtracting(touched)
    let (config, programs) = try Self.config(
      source, edited.configuration, binding,
      quantised: quantised.map(\.name).filter { !touched.contains($0) } + stayingPacked,
      allowsCode: allowsCode)
    // New tensors go into the file that held their layer, so that the other files can be cloned.
    let homes = Self.homes(source, replaced: replaced)
    let fallback = source.checkpoint.shards.last?.fileName ?? source.checkpoint.container.singleName
    var arrivals: [String: [Tensor]] = [:]
    for bound in fresh {
      let layer = bound.parts.first?.role.layer
      let home = layer.flatMap { homes[$0] } ?? fallback
      arrivals[home, default: []].append(try Self.arrival(bound, edited, source))
    }
    let shards = try source.stored.shards.map { shard in
      try Self.shard(shard, source, replaced: replaced, arriving: arrivals[shard.fileName] ?? [])
    }
    let beside = try TravellingFiles(
      source.checkpoint, allowsCode: allowsCode, keepsRecordings: false,
      stale: source.leftover,
      edited: source.packing?.editedFiles(for: binding, packed: stayingPacked) ?? [:])
    self.init(
      source: source, layout: source.layout.id, container: source.checkpoint.container,
      shards: shards,
      writesIndex: source.checkpoint.hasIndex, config: config,
      sidecars: beside.files,
      code: source.layout.code(for: edited.configuration),
      dropped: removed.sorted().map { LeftOut(.tensor, $0, "tensor of a replaced layer") }
        + programs + beside.dropped
        + source.checkpoint.leftBehind)
    layoutFile = source.layout.record
    notes = source.layout.notes(edited.configuration, widened: 0)
    try checkFiles()
  }

  /// Refuses to edit files whose names are those of a wrapper around the model.
  private static func checkNames(_ source: OpenedModel) throws {
    guard source.packing != nil, !source.checkpoint.takenOff.isEmpty else { return }
    throw Problem(
      .unsupported, "packed weights under the names of a wrapper cannot be edited where they lie",
      file: source.checkpoint.directory.string,
      found: source.checkpoint.takenOff.joined(separator: ", "),
      remedy: "convert with --dtype f32 first, or with --dtype bf16 --allow lossy")
  }

  private static func isSame(_ a: CanonicalTensor?, _ b: CanonicalTensor?) -> Bool {
    guard let a, let b else { return a == nil && b == nil }
    return a.region.storage === b.region.storage && a.region.range == b.region.range
      && a.view == b.view
  }

  /// The file that held the first replaced tensor of each layer.
  private static func homes(_ source: OpenedModel, replaced: Set<String>) -> [Int: String] {
    let layers = Dictionary(
      source.binding.tensors.map { ($0.name, $0.parts.first?.role.layer) },
      uniquingKeysWith: { first, _ in first })
    var homes: [Int: String] = [:]
    for shard in source.checkpoint.shards {
      for tensor in shard.tensors where replaced.contains(tensor.name) {
        guard let layer = layers[tensor.name] ?? nil, homes[layer] == nil else { continue }
        homes[layer] = shard.fileName
      }
    }
    return homes
  }

  /// A tensor of a replaced layer, in the type that the layer's output projection had, or, where that
  /// was quantised, in the type of the embedding or of the last norm; a tensor that comes from another checkpoint keeps its
  /// own.
  private static func arrival(_ bound: BoundTensor, _ edited: CanonicalModel, _ source: OpenedModel)
    throws -> Tensor
  {
    let layer = bound.parts.first?.role.layer
    let isNew = bound.parts.allSatisfy {
      edited.tensors[$0.role]?.origin == CanonicalTensor.newOrigin
    }
    let role = layer.flatMap { source.configuration.layers[$0].mixer.output }
    let output = role.flatMap { source.canonical.tensors[Role($0, layer: layer)] }
    let old = output.flatMap { output in
      [output, source.canonical.tensors[Role("embedding")]].compactMap(\.self)
        .first { $0.scales == nil && source.checkpoint.tensor($0.origin)?.packed == nil }
        ?? source.canonical.tensors[Role("final_norm")]
    }?.type
    let cast = isNew ? old.map(RequestedType.everywhere) ?? .keep : .keep
    let move = try TensorMove(bound, from: edited, cast: cast)
    return Tensor(
      name: bound.name, type: move.type, shape: bound.shape, rule: isNew ? .new : .donated,
      content: .move(move))
  }

  private static func shard(
    _ shard: StoredCheckpoint.Shard, _ source: OpenedModel, replaced: Set<String>,
    arriving: [Tensor]
  ) throws -> Shard {
    let kept = shard.tensors.filter { !replaced.contains($0.name) }
    let isUnchanged =
      arriving.isEmpty && kept.count == shard.tensors.count && shard.content.ignored.isEmpty
      && source.checkpoint.takenOff.isEmpty
    let path = source.checkpoint.path(shard.fileName)
    return Shard(
      fileName: shard.fileName, tensors: kept.map { Tensor($0, rule: .copied) } + arriving,
      clone: isUnchanged ? path : nil,
      metadata: shard.content.metadata, values: shard.content.values)
  }

  /// What to do with a layout of llama.cpp or Megatron-Core, which have no such layers.
  private static let otherForm =
    "splice the Hugging Face form: graft convert SRC --explain names it, with --allow eps for Kimi Linear and Ling 3.0; graft convert writes it"

  /// The edited config, which must say what the edited model is.
  static func config(
    _ source: OpenedModel, _ configuration: ModelConfiguration, _ binding: LayoutBinding,
    quantised: [String], allowsCode: Bool
  ) throws -> (bytes: [UInt8], dropped: [LeftOut]) {
    let all = source.layout.updatedConfig(
      source.config.value, from: source.statedConfiguration, to: configuration)
    let (updated, programs) = allowsCode ? (all, []) : ProgramKeys.removed(from: all)
    let comparison = LayoutComparison(
      configuration, isSaidBy: updated, in: source.layout, isWritten: false)
    try Problem.throwIfAny(
      comparison.problems.map { problem in problem.changed { $0.remedy = Self.otherForm } })
    let bytes = source.config.bytes(
      source.config(
        updated, of: binding, quantised: Set(quantised + source.binding.carriedScales.keys)))
    return (bytes, ProgramKeys.leftOut(programs))
  }
}

extension OpenedModel {
  /// The stored names that are removed: tensors without a place in the new model, and the parts of packed
  /// weights that are replaced, with the scales of their inputs.
  fileprivate func storedNames(of touched: Set<String>, gone: Set<String>) -> Set<String> {
    let packed = touched.compactMap { checkpoint.tensor($0) }.filter { $0.packed != nil }
    let modules = Set(
      touched.filter { $0.hasSuffix(".weight") }.map { String($0.dropLast(".weight".count)) })
    let beside = activationScales.map(\.name).filter { name in
      name.lastIndex(of: ".").map { modules.contains(String(name[..<$0])) } ?? false
    }
    return gone.subtracting(packed.map(\.name)).union(beside)
      .union(packed.flatMap { $0.packed?.parts.map(\.name) ?? [] })
  }
}
