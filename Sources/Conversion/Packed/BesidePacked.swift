import Canonical
import Containers
import Diagnostics
import JSON
import Layouts
import Opening

/// What accompanies packed weights: scales of activations and caches, and files that say how weights are
/// packed.
struct BesidePacked {
  /// The weights that stay packed.
  let packed: Set<String>
  /// The tensors that go along.
  let kept: [CheckpointPlan.Tensor]
  /// The files whose claims do not hold any more.
  let stale: [String]
  /// What is left out.
  let dropped: [LeftOut]

  /// - Parameters:
  ///   - written: the names of all other tensors that are written.
  ///   - repacked: the names of weights that are written in other parts.
  ///   - keepsFP8: whether weights in FP8 are among them.
  /// - Throws: `Problem` of kind `unsupported` where weights in FP8 get other names than their scales of
  ///   activations have.
  init(_ source: OpenedModel, written: Set<String>, repacked: Set<String>, keepsFP8: Bool)
    throws
  {
    guard let packing = source.packing else {
      let beside = try Self.beside(source, written, keepsFP8: keepsFP8)
      (packed, stale) = (repacked, [])
      kept = beside.kept.map { CheckpointPlan.Tensor($0, rule: .carried) }
      dropped = beside.dropped.map { LeftOut(.tensor, $0.name, Self.reason) }
      return
    }
    let whole = source.checkpoint.tensors.filter { tensor in
      tensor.packed?.parts.allSatisfy { written.contains($0.name) } ?? false
    }
    // A plain weight may have the same name as packed codes; whether other parts of the packed weight are
    // written tells which it is.
    let staying = Set(whole.filter { ($0.packed?.parts.count ?? 0) > 1 }.map(\.name))
    packed = staying.union(repacked)
    guard repacked.isEmpty else {
      kept = []
      stale = PackedWeights.files.filter(source.checkpoint.sidecars.contains)
      dropped =
        packing.beside.map { LeftOut(.tensor, $0.name, Self.reason) }
        + stale.map { LeftOut(.file, $0, "weights are packed in another way") }
      return
    }
    let isPacked = !packed.isEmpty
    kept = isPacked ? packing.beside.map { CheckpointPlan.Tensor($0, rule: .carried) } : []
    let files = PackedWeights.files.filter(source.checkpoint.sidecars.contains)
    stale = isPacked ? [] : files
    dropped =
      isPacked
      ? []
      : packing.beside.map { LeftOut(.tensor, $0.name, Self.reason) }
        + files.map { LeftOut(.file, $0, "no weight is packed any more") }
  }

  private static let reason = "scale of activations"

  /// What becomes of the scales of activations beside weights in FP8: each goes along with its weight.
  private static func beside(_ source: OpenedModel, _ written: Set<String>, keepsFP8: Bool) throws
    -> (kept: [StoredTensor], dropped: [StoredTensor])
  {
    let scales = Dictionary(
      source.binding.tensors.compactMap { tensor in tensor.scales.map { (tensor.name, $0.name) } },
      uniquingKeysWith: { first, _ in first })
    let renamed = source.activationScales.filter { scale in
      scales[weight(of: scale)] != nil && !written.contains(weight(of: scale))
    }
    guard renamed.isEmpty || !keepsFP8 else { throw problem(renamed.map(\.name)) }
    let kept = source.activationScales.filter { scale in
      scales[weight(of: scale)].map(written.contains) ?? written.contains(weight(of: scale))
    }
    let names = Set(kept.map(\.name))
    return (kept, source.activationScales.filter { !names.contains($0.name) })
  }

  private static func weight(of scale: StoredTensor) -> String {
    scale.name.prefix(upTo: scale.name.lastIndex(of: ".") ?? scale.name.endIndex) + ".weight"
  }

  private static func problem(_ names: [String]) -> Problem {
    Problem(
      .unsupported, "scales of activations would lose the weights that they belong to",
      tensor: NameFolding.summary(names), expected: "the names of the source",
      found: "weights under other names",
      remedy: "dequantise with --dtype f32, or with --dtype bf16 --allow lossy")
  }
}

extension PackedStorage {
  /// The config with an accurate statement of how weights are packed and which are not; without any
  /// statement if no weight is packed any more.
  /// - Parameters:
  ///   - binding: the stored tensors that the config is for.
  ///   - packed: the names of those that are packed.
  func config(_ config: JSONValue, of binding: LayoutBinding, packed: Set<String>) -> JSONValue {
    packed.isEmpty
      ? config.withoutQuantisation : config.listingPlain(plainModules(of: binding, packed))
  }

  /// The files beside the config that say which weights are not packed, where that changes.
  func editedFiles(for binding: LayoutBinding, packed: Set<String>) -> [String: [UInt8]] {
    let plain = plainModules(of: binding, packed)
    guard !plain.isEmpty, !packed.isEmpty else { return [:] }
    return stored.quantisationFiles.reduce(into: [:]) { files, file in
      let value = QuantisationClaim.listing(plain: plain, in: file.value, of: file.key)
      files[file.key] = Array((value.text(indent: 2) + "\n").utf8)
    }
  }

  private func plainModules(of binding: LayoutBinding, _ packed: Set<String>) -> [String] {
    binding.plainModules(
      packed: packed, before: Set(schemes.flatMap(\.weights)), in: stored.headers)
  }
}
