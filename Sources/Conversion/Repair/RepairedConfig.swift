import Comparison
import Containers
import Diagnostics
import JSON
import Layouts
import Opening

/// A checkpoint whose config says what its tensors are.
struct RepairedConfig {
  /// The checkpoint, with the config as it should be.
  private(set) var model: OpenedModel
  /// What was wrong with the config.
  private(set) var mends: [Mend] = []
  /// The tensors that are cut so that the config is right, by name.
  private(set) var cut: [String: StoredTensor] = [:]
  /// Whether metadata of weight files change.
  private(set) var changesMetadata = false

  private let options: RepairOptions
  private let catalogue: LayoutCatalogue

  /// Opens a checkpoint, with its config corrected where it cannot be opened or claims what does not hold.
  ///
  /// Only keys are changed whose right value the tensors tell; that a change is right shows when the
  /// checkpoint opens with it.
  /// - Throws: what is wrong with a checkpoint that no such change opens.
  init(_ stored: StoredCheckpoint, _ options: RepairOptions, _ catalogue: LayoutCatalogue) throws {
    (self.options, self.catalogue) = (options, catalogue)
    func open(_ stored: StoredCheckpoint) throws -> OpenedModel {
      // What is lost from metadata is written into them, not assumed.
      let assumptions = options.assuming.filter { !$0.isOfMetadata }
      return try OpenedModel(
        stored, from: options.from, assuming: assumptions, allowing: options.allowed,
        catalogue: catalogue)
    }
    do {
      model = try open(stored)
    } catch {
      if let (table, opened) = try Self.cutting(stored, catalogue, open) {
        model = opened
        (cut, mends) = (table.tensors, table.mends)
      } else if let (corrections, opened) = Self.opening(stored, catalogue, open) {
        model = opened
        add(corrections, to: stored)
      } else {
        throw error
      }
    }
    if let lost = try LostBlocks(model, options.assuming, catalogue) {
      model = try open(lost.checkpoint)
      mends += lost.mends
      changesMetadata = true
    }
    mends += model.leftover.map { key in
      Mend(
        .claim, file: stored.configPath.string, "\(key) removed, because no tensor is quantised",
        before: key, after: "removed")
    }
    for _ in 0..<Self.mostRounds {
      let corrections = try Self.corrections(model)
      guard !corrections.isEmpty, !model.checkpoint.container.hasMetadata else { break }
      let before = model.stored
      model = try open(before.corrected(by: corrections))
      add(corrections, to: before)
    }
  }

  /// One correction may bring another to light.
  private static let mostRounds = 3

  private mutating func add(_ corrections: [ConfigCorrection], to stored: StoredCheckpoint) {
    mends += corrections.map { correction in
      let before = stored.config?.value(at: correction.path).map { $0.text(indent: 0) }
      return Mend(correction, of: stored.configPath.string, before: before ?? "not given")
    }
  }

  /// The tables without rows that are too many, where a checkpoint opens so.
  private static func cutting(
    _ stored: StoredCheckpoint, _ catalogue: LayoutCatalogue,
    _ open: (StoredCheckpoint) throws -> OpenedModel
  ) throws -> (table: PaddedTable, model: OpenedModel)? {
    for layout in layouts(of: stored, catalogue) {
      guard let table = try PaddedTable(stored, layout),
        let model = try? open(table.applied(to: stored))
      else { continue }
      return (table, model)
    }
    return nil
  }

  /// The layouts that the config may be of.
  private static func layouts(of stored: StoredCheckpoint, _ catalogue: LayoutCatalogue) -> [Layout]
  {
    catalogue.candidates(config: stored.config?.withoutQuantisation) { _ in true }
      .compactMap { try? $0.read().layout }
  }

  /// The first corrections with which a checkpoint opens.
  private static func opening(
    _ stored: StoredCheckpoint, _ catalogue: LayoutCatalogue,
    _ open: (StoredCheckpoint) throws -> OpenedModel
  ) -> (corrections: [ConfigCorrection], model: OpenedModel)? {
    guard !stored.container.hasMetadata, let config = stored.config else { return nil }
    var tried: [[ConfigCorrection]] = []
    for corrections in layouts(of: stored, catalogue).flatMap({
      $0.possibleCorrections(of: config, stored.headers)
    })
    where !tried.contains(corrections) {
      tried.append(corrections)
      if let model = try? open(stored.corrected(by: corrections)) { return (corrections, model) }
    }
    let fitting = PackingNumbers.corrections(of: stored).compactMap { corrections in
      (try? open(stored.corrected(by: corrections))).map { (corrections, $0) }
    }
    return fitting.count == 1 ? fitting[0] : nil
  }

  /// The corrections that tensors of an opened checkpoint ask for.
  static func corrections(_ model: OpenedModel) throws -> [ConfigCorrection] {
    try model.claims.corrections + tieCorrections(model) + PackingNumbers.announcement(model)
  }

  /// A stored head that is not the embedding is kept, as current transformers does.
  private static func tieCorrections(_ model: OpenedModel) throws -> [ConfigCorrection] {
    let heads = model.carried.compactMap { stored in
      model.original(of: stored).map { (stored, $0.name) }
    }
    let config = model.checkpoint.config ?? .null
    let differs = try heads.contains { stored, name in
      guard let other = model.checkpoint.tensor(name) else { return false }
      return try stored.type != other.type || stored.shape != other.shape
        || !stored.region.holdsSameBytes(as: other.region)
    }
    if differs {
      return model.layout.correctingTie(
        to: false, in: config, "ties the head that is stored to an embedding that differs")
    }
    guard model.claims.saysTieTwice else { return [] }
    return model.layout.correctingTie(
      to: model.configuration.head != .own, in: config, Layout.doubtfulTie)
  }
}

extension StoredCheckpoint {
  /// The checkpoint with keys of its config corrected.
  func corrected(by corrections: [ConfigCorrection]) -> StoredCheckpoint {
    withConfig { corrections.reduce($0) { $0.corrected(by: $1) } }
  }
}
