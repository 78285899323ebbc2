import Canonical
import Containers
import Diagnostics
import JSON
import Layouts

/// How the layout of a checkpoint is found: every candidate is read, and the one that fits is taken.
extension OpenedModel {
  /// A checkpoint as one layout reads it; `extra` is known once it is checked. Of a training run the
  /// checkpoint is that of the model alone, with the options by which the layout reads it.
  typealias Reading = (
    checkpoint: StoredCheckpoint, evidence: LayoutEvidence, configuration: ModelConfiguration,
    binding: LayoutBinding, found: FoundTensors,
    quantisation: Quantisation?, extra: [(name: String, kind: StrayTensor)]
  )

  /// Reads a checkpoint as it is, or without what the wrapper of a trainer put before all names.
  /// - Throws: the problems of the checkpoint under its stored names; under names without wrappers where
  ///   wrappers show inside names; or the kind of file that it is instead of a model.
  static func recognised(
    _ stored: StoredCheckpoint, _ catalogue: LayoutCatalogue,
    _ read: (StoredCheckpoint) throws -> Reading
  ) throws -> (StoredCheckpoint, Reading) {
    do {
      let reading = try read(stored)
      return (reading.checkpoint, reading)
    } catch {
      guard let inner = stored.unwrapped else { throw stored.explained(error, catalogue) }
      let checkpoint: StoredCheckpoint
      var reading: Reading
      do {
        (checkpoint, reading) = try recognised(inner, catalogue, read)
      } catch let innerError {
        throw stored.hasWrappers ? innerError : stored.explained(error, catalogue)
      }
      guard isWhole(reading, of: checkpoint) else { throw stored.explained(error, catalogue) }
      if checkpoint.takenOff == inner.takenOff {
        reading.evidence = inner.takenOff.reduce(reading.evidence) { $0.adding($1) }
      }
      return (checkpoint, reading)
    }
  }

  /// Whether nothing is missing from the checkpoint. Once the common prefix of its names is removed, a
  /// model that lost its head looks like a base model; it counts as one only if something says that it has
  /// no language head.
  private static func isWhole(_ reading: Reading, of checkpoint: StoredCheckpoint) -> Bool {
    guard reading.evidence.layout.form.modelClass == .base,
      reading.configuration.head == .none
    else { return true }
    let headers = checkpoint.headers
    return OtherHead.evidence(config: checkpoint.config) { headers[$0] != nil } != nil
  }

  static func reading(
    _ checkpoint: StoredCheckpoint, from: String?, _ allowing: Set<StrayTensor>,
    _ catalogue: LayoutCatalogue
  ) throws -> Reading {
    let config = checkpoint.statements.isEmpty ? try config(checkpoint) : checkpoint.config
    let headers = checkpoint.headers
    let place = checkpoint.weightsPath.string
    if let packed = PackedWeights.recognise(
      config, headers, beside: checkpoint.quantisationFiles)
    {
      throw packed.problem.located(.file(place))
    }
    let candidates = try locating(.file(place)) {
      try self.candidates(checkpoint, config, from: from, in: catalogue)
    }
    func checked(_ reading: Reading) throws -> Reading { try self.checked(reading, allowing) }
    // Once a form of a layout fits, its other forms are not read, and a form that gives other names is not bound,
    // because that takes time that grows with the tensors. Where no form fits, all are.
    var (descriptions, fitting): ([Result<Description, Error>], [Reading]) = ([], [])
    for candidate in candidates
    where !fitting.contains(where: { $0.evidence.layout.id == candidate.id }) {
      let evidence = try candidate.read()
      let description = Result {
        try describe(evidence, checkpoint.prepared(for: evidence.layout, in: catalogue))
      }
      descriptions.append(description)
      if let likely = try? description.get(),
        evidence.layout.mayName(likely.checkpoint.headers, likely.configuration),
        let reading = try? bind(likely), reading.found.isComplete,
        let sound = try? checked(reading)
      {
        fitting.append(sound)
      }
    }
    if !fitting.isEmpty { return try only(fitting, checkpoint) }
    let readings = descriptions.map { description in Result { try bind(description.get()) } }
    if let problem = twoForms(readings.compactMap { try? $0.get() }, checkpoint) {
      throw problem.located(.file(place))
    }
    let failures = readings.map { reading in Result { try checked(reading.get()) } }
    return try checkpoint.nearest(of: candidates.map { try $0.read().layout }, failures).get()
  }

  /// The forms that fit the config and the names of a checkpoint, or all forms of the layout that the user
  /// named.
  private static func candidates(
    _ checkpoint: StoredCheckpoint, _ config: JSONValue?, from: String?,
    in catalogue: LayoutCatalogue
  ) throws -> [LayoutCandidate] {
    let headers = checkpoint.headers
    func has(_ name: String) -> Bool { headers[name] != nil }
    let found =
      try from.map { try catalogue.forms(of: $0, config: config, has: has) }
      ?? catalogue.candidates(config: config, has: has)
    guard found.isEmpty else { return found }
    throw catalogue.refusal(config: config, names: checkpoint.tensors.map(\.name))
  }

  /// The reading of the one layout that fits; where several fit, the one that the stored values support.
  /// - Parameter fitting: one reading of each layout whose names and shapes are those of the checkpoint.
  /// - Throws: `Problem` of kind `unsupported` where several fit and nothing tells.
  private static func only(_ fitting: [Reading], _ checkpoint: StoredCheckpoint) throws -> Reading {
    if fitting.count == 1 { return fitting[0] }
    let forms = fitting.sorted { $0.evidence.layout.id < $1.evidence.layout.id }
    if let settled = try settled(forms, checkpoint) { return settled }
    throw Problem(
      .unsupported, "more than one layout fits this checkpoint",
      file: checkpoint.directory.string,
      found: forms.map(\.evidence.layout.id).joined(separator: ", "),
      remedy: "name the layout with --from")
  }

  /// What the config says of a checkpoint, as one layout reads it.
  private typealias Description = (
    checkpoint: StoredCheckpoint, evidence: LayoutEvidence, config: JSONValue,
    configuration: ModelConfiguration, quantisation: Quantisation?
  )

  private static func describe(
    _ candidate: LayoutEvidence, _ checkpoint: StoredCheckpoint
  ) throws -> Description {
    let config = try config(checkpoint)
    return try locatingInConfig(of: checkpoint) {
      let configuration = try candidate.layout.configuration(from: config)
      try checkCount(configuration.layers.count, checkpoint)
      let quantisation =
        checkpoint.isUnpacked ? nil : try candidate.layout.quantisation(from: config)
      return (checkpoint, candidate, config, configuration, quantisation)
    }
  }

  /// Gives the tensors that a description asks for, in the sizes in which they are stored where these may differ.
  private static func bind(_ description: Description) throws -> Reading {
    let (checkpoint, evidence, config, _, quantisation) = description
    let (layout, stored) = (evidence.layout, checkpoint.headers)
    var configuration = description.configuration
    return try locatingInConfig(of: checkpoint) {
      var binding = try LayoutBinding(layout, configuration)
      if let vocabulary = binding.storedVocabulary(in: stored) {
        configuration.vocabulary = vocabulary
        binding = try LayoutBinding(layout, configuration)
      }
      let measured = try layout.measured(configuration, config, binding, in: stored)
      if measured != configuration {
        (configuration, binding) = (measured, try LayoutBinding(layout, measured))
      }
      let found = FoundTensors(binding, in: stored)
      return (
        checkpoint, evidence, configuration,
        binding.scaled(by: quantisation, stored: stored, found), found, quantisation, []
      )
    }
  }

  private static func locatingInConfig<Result>(
    of checkpoint: StoredCheckpoint, _ body: () throws -> Result
  ) throws -> Result {
    try locating(.file(checkpoint.configPath.string)) {
      try advising([
        .invalid: "correct the config, or fetch the one that belongs to these weights",
        .unsupported: "only what is expected is read; another value is another model",
      ]) { try body() }
    }
  }

  /// The same reading, once names, shapes and claims of the config are those of the checkpoint.
  private static func checked(
    _ reading: Reading, _ allowing: Set<StrayTensor>
  ) throws -> Reading {
    var reading = reading
    let checkpoint = reading.checkpoint
    let config = try config(checkpoint)
    let stored = checkpoint.shaped(like: reading.binding.tensors)
    let layers = reading.configuration.layers.count
    let extra = try reading.binding.check(
      stored: stored, found: reading.found,
      config: ConfigStatement(config, layers: layers, quantisation: reading.quantisation),
      allowing: allowing, file: checkpoint.weightsPath.string)
    reading.extra = reading.binding.strays(extra, in: stored, layers: layers)
    try Problem.throwIfAny(
      ConfigClaims(
        reading.binding, reading.configuration, config, checkpoint.headers,
        file: checkpoint.configPath.string
      ).problems)
    return reading
  }

  /// Refuses absurd numbers of layers before they are spelled out.
  private static func checkCount(_ layers: Int, _ checkpoint: StoredCheckpoint) throws {
    guard layers > checkpoint.tensors.count else { return }
    throw Problem(
      .invalid, "the config has more layers than there are tensors",
      expected: "at most \(checkpoint.tensors.count) layers", found: "\(layers)")
  }

  private static func config(_ checkpoint: StoredCheckpoint) throws -> JSONValue {
    let configFile = checkpoint.configPath.string
    guard let config = checkpoint.config else {
      throw Problem(
        .missing, "there is no config.json beside the weights", file: configFile,
        remedy: "put the config.json of the model there")
    }
    guard config.object != nil else {
      throw Problem(
        .invalid, "the config is not a JSON object", file: configFile, expected: "an object",
        found: config.kindName, remedy: "put the config.json of the model there")
    }
    return config
  }
}
