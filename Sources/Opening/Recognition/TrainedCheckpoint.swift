import Canonical
import Containers
import Diagnostics
import JSON
import Layouts

/// Checkpoints of training runs, whose options say what the model is.
extension StoredCheckpoint {
  /// The checkpoint as a layout of a trainer reads it: with one set of options, made of all that describe
  /// the model, and without the rows that pad the vocabulary. For other layouts it is the checkpoint itself.
  /// - Throws: `Problem` where a description lacks something, or two contradict each other.
  func prepared(for layout: Layout, in catalogue: LayoutCatalogue) throws -> StoredCheckpoint {
    guard layout.isOfTrainer else { return self }
    if let config, statements.isEmpty, config["model_type"] == nil {
      // The options were stored by other means, as a config that the layout reads as it is.
      return try withoutPadding(layout)
    }
    let options = try options(layout, catalogue)
    return try withOptions(options.config, from: options.file).withoutPadding(layout)
  }

  private typealias Options = (file: String, config: JSONValue)

  /// The options of the run, those that its own tools read first, completed by what else there is.
  private func options(_ layout: Layout, _ catalogue: LayoutCatalogue) throws -> Options {
    let described = try locating(.file(configPath.string)) {
      try config.flatMap { try catalogue.description(by: $0) }
    }
    let first = statements.first ?? (StoredCheckpoint.configName, .object([:]))
    let completed = described.map {
      layout.completed(first.config, from: $0.configuration, predictions: $0.predictions)
    }
    let options: Options = (first.file, completed ?? first.config)
    let own = try read(options, layout)
    if let described {
      try check(own, first.file, against: described.configuration, configPath.string)
    }
    for other in statements.dropFirst() {
      let whole = layout.completed(other.config, from: own, predictions: 0)
      try check(own, first.file, against: read((other.file, whole), layout), other.file)
    }
    return options
  }

  private func read(_ options: Options, _ layout: Layout) throws -> ModelConfiguration {
    try locating(.file(path(options.file).string)) {
      try advising([
        .invalid:
          "put the config.json of the model beside the options of the run, which lack something",
        .unsupported: "only what is expected is read; another value is another model",
      ]) {
        try layout.configuration(from: options.config)
      }
    }
  }

  /// Names the facts in which two descriptions of one model differ.
  private func check(
    _ own: ModelConfiguration, _ file: String, against other: ModelConfiguration,
    _ otherFile: String
  ) throws {
    let count = FactComparison(
      fact: "layers", layer: nil, here: .integer(own.layers.count),
      there: .integer(other.layers.count))
    let rows = count.agrees ? own.disagreements(with: other) : [count]
    try Problem.throwIfAny(
      rows.map { row in
        Problem(
          .invalid, "two descriptions of the model contradict each other",
          file: path(file).string, layer: row.layer,
          expected: "\(row.fact) \(row.there.text), as \(otherFile) says",
          found: "\(row.here.text)",
          remedy: "keep the description that the weights were made with")
      })
  }

  /// Leaves out the rows of embedding and head behind those of the vocabulary.
  private func withoutPadding(_ layout: Layout) throws -> StoredCheckpoint {
    let configuration = try read((configPath.lastComponent?.string ?? "", config ?? .null), layout)
    return try cuttingRows(of: layout.vocabularyHolders, to: configuration.vocabulary)
  }
}
