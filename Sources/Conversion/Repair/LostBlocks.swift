import Canonical
import Containers
import Diagnostics
import JSON
import Layouts
import Opening

/// The size of the blocks among which indexers choose, where a converter lost it from the metadata.
struct LostBlocks {
  /// The checkpoint with the size in its metadata.
  let checkpoint: StoredCheckpoint
  /// What was done, a mend for each key.
  let mends: [Mend]

  /// Finds the size in what the user says, or in a config of the same model beside the file.
  /// - Returns: nil where no layer lacks it, or nothing tells it.
  /// - Throws: `Problem` of kind `invalid` where what is said does not fit the model.
  init?(
    _ model: OpenedModel, _ assumptions: [Assumption], _ catalogue: LayoutCatalogue
  ) throws {
    let stored = model.checkpoint
    guard stored.container.hasMetadata, !model.configuration.layersWithoutBlocks.isEmpty,
      let size = Self.size(said: assumptions) ?? Self.size(of: model, beside: stored, catalogue),
      let config = stored.config
    else { return nil }
    let mended = try model.configuration.assuming([.indexBlock(size)], in: model.layout)
    let corrected = model.layout.updatedConfig(config, from: model.configuration, to: mended)
    let changed = (corrected.object ?? JSONObject()).entries.filter { config[$0.key] != $0.value }
    let values = try GGUFConfig.metadata(
      .object(JSONObject(changed.map { ($0.key, $0.value) })), types: model.layout.metadataTypes,
      keeping: stored.values)
    checkpoint = stored.withConfig { _ in corrected }.with(values: values)
    mends = changed.map { key, value in
      Mend(
        .metadata, file: stored.configPath.string, "\(key) set, so that indexers are used",
        before: config[key]?.text(indent: 0) ?? "not given", after: value.text(indent: 0))
    }
  }

  private static func size(said assumptions: [Assumption]) -> Int? {
    assumptions.lazy.compactMap { if case .indexBlock(let size) = $0 { size } else { nil } }.first
  }

  /// The size that configs of the same model agree on which lie beside the file.
  private static func size(
    of model: OpenedModel, beside stored: StoredCheckpoint, _ catalogue: LayoutCatalogue
  ) -> Int? {
    guard let config = try? stored.configBeside() else { return nil }
    let others = catalogue.candidates(config: config) { _ in true }
      .compactMap { try? $0.read().layout.configuration(from: config) }
    let sizes = Set(others.flatMap { model.configuration.blocks(in: $0) })
    return sizes.count == 1 ? sizes.first : nil
  }
}

extension ModelConfiguration {
  /// The sizes of blocks that another configuration has where this one has none; none where the indexers of
  /// both differ.
  fileprivate func blocks(in other: ModelConfiguration) -> Set<Int> {
    guard other.layers.count == layers.count, other.hidden == hidden else { return [] }
    let sizes = layersWithoutBlocks.map { index -> Int? in
      guard case .attention(let own) = layers[index].mixer,
        case .attention(let there) = other.layers[index].mixer, there.choosesBlocks,
        (there.indexHeads, there.indexDim, there.indexBudget)
          == (own.indexHeads, own.indexDim, own.indexBudget)
      else { return nil }
      return there.indexBlock
    }
    return sizes.contains(nil) ? [] : Set(sizes.compactMap(\.self))
  }
}
