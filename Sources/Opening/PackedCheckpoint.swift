import Canonical
import Containers
import JSON
import Layouts

/// A checkpoint with packed weights: what headers and config tell, though nothing can be done with it.
public struct PackedCheckpoint: Sendable {
  /// The files.
  public let checkpoint: StoredCheckpoint
  /// How the weights are packed.
  public let packed: PackedWeights
  /// The layout that its config and names seem to follow, and the configuration that follows from it.
  public let model: (layout: String, configuration: ModelConfiguration)?
  /// The tensors that the layout asks for; of these only the ones that are not packed are stored as they
  /// are.
  let binding: LayoutBinding?

  /// Looks at a checkpoint; nil where its weights are not packed.
  /// - Cost: one look at each header.
  public init?(_ checkpoint: StoredCheckpoint, catalogue: LayoutCatalogue) {
    self.checkpoint = checkpoint
    guard
      let packed = PackedWeights.recognise(
        checkpoint.config, checkpoint.headers, beside: checkpoint.quantisationFiles)
    else { return nil }
    self.packed = packed
    let config = checkpoint.config?.withoutQuantisation ?? .null
    let candidates = catalogue.candidates(config: config, has: checkpoint.holds)
    let readings = candidates.compactMap { candidate -> LayoutReading? in
      guard let layout = try? candidate.read().layout,
        let configuration = try? layout.configuration(from: config),
        configuration.layers.count <= checkpoint.tensors.count,
        let binding = try? LayoutBinding(layout, configuration)
      else { return nil }
      return (configuration, binding, binding.tensors.count { checkpoint.isPlain($0) })
    }
    let best = readings.reduce(nil as LayoutReading?) { best, reading in
      (best?.plain ?? -1) < reading.plain ? reading : best
    }
    model = best.map { ($0.binding.layout.id, $0.configuration) }
    binding = best?.binding
  }

  private typealias LayoutReading = (
    configuration: ModelConfiguration, binding: LayoutBinding, plain: Int
  )

  /// What stored values say about how the norms were stored, which are plain in packed checkpoints too.
  /// - Cost: reads the norms.
  /// - Throws: `Problem` of kind `io` where they cannot be read.
  public func signs() throws -> [ValueSign] {
    guard let model, let binding else { return [] }
    return try ValueSign.norms(
      OpenedModel.centredNorms(model.configuration, binding, checkpoint))
  }

  /// The stored tensors that are plain and understood.
  package var plain: [StoredTensor] {
    (binding?.tensors ?? []).filter(checkpoint.isPlain).compactMap { checkpoint.tensor($0.name) }
  }
}

extension StoredCheckpoint {
  /// What stands in place of `weight` where it is packed.
  private static let packedNames = ["weight_packed", "qweight", "_weight_qdata", "W_q", "q_weight"]

  /// Whether a weight is stored, plain or packed.
  fileprivate func holds(_ name: String) -> Bool {
    if tensor(name) != nil { return true }
    guard name.hasSuffix("weight") else { return false }
    let stem = name.dropLast("weight".count)
    return Self.packedNames.contains { tensor(stem + $0) != nil }
  }

  /// Whether a tensor is stored as a layout asks for it, in a type of plain values.
  fileprivate func isPlain(_ bound: BoundTensor) -> Bool {
    guard let stored = tensor(bound.name) else { return false }
    return stored.type.isComputable && stored.shape == bound.shape
  }
}
