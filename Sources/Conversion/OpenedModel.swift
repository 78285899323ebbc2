import Canonical
import Containers
import Diagnostics
import JSON
import Layouts
import SystemPackage
import Tensors

/// A checkpoint on disk understood through its layout: names and shapes are checked, no payload read.
public struct OpenedModel: Sendable {
  /// The files.
  public let checkpoint: StoredCheckpoint
  /// The layout and what spoke for it.
  public let evidence: LayoutEvidence
  /// The stored tensors as the layout prescribes them.
  public let binding: LayoutBinding
  /// The quantisation that the config announces; nil for none.
  public let quantisation: Quantisation?
  /// The model in the canonical form.
  public let canonical: CanonicalModel
  /// What the user said about the stored form.
  public let assumptions: [Assumption]
  /// The names of stored tensors for which the layout has no use.
  public let extra: [String]

  /// The layout.
  public var layout: Layout { evidence.layout }
  /// The config.
  var config: ConfigText {
    ConfigText(value: checkpoint.config ?? .null, bytes: checkpoint.configBytes)
  }
  /// The record of where the checkpoint comes from, where there is one.
  /// - Cost: reads and parses it anew, and hashes the config.
  var manifest: Manifest? { Manifest(of: checkpoint) }
  /// What the weights do not say.
  public var configuration: ModelConfiguration { canonical.configuration }

  /// Opens a checkpoint.
  /// - Parameters:
  ///   - from: the layout to read it as; nil to recognise it.
  ///   - assuming: what is known about the stored form beyond names and shapes.
  ///   - allowsExtra: whether there may be tensors for which the layout has no use.
  /// - Throws: `Problem` or `ProblemList`, each naming file, tensor, expected and found.
  /// - Cost: reads config, index and headers only.
  public init(
    _ path: FilePath, from: String? = nil, assuming: [Assumption] = [], allowsExtra: Bool = false,
    catalogue: LayoutCatalogue
  ) throws {
    try self.init(
      StoredCheckpoint.open(path), from: from, assuming: assuming, allowsExtra: allowsExtra,
      catalogue: catalogue)
  }

  /// Understands a checkpoint that was opened.
  /// - Throws: `Problem` or `ProblemList`, each naming file, tensor, expected and found.
  public init(
    _ stored: StoredCheckpoint, from: String? = nil, assuming: [Assumption] = [],
    allowsExtra: Bool = false, catalogue: LayoutCatalogue
  ) throws {
    assumptions = assuming
    let fitting: Reading
    (checkpoint, fitting) = try Self.recognised(stored) {
      try Self.reading($0, from: from, allowsExtra, catalogue)
    }
    evidence = fitting.evidence
    quantisation = fitting.quantisation
    binding = try fitting.binding.assuming(assuming, fitting.configuration)
      .scaled(by: fitting.quantisation, stored: checkpoint.headers)
    extra = binding.extra(in: checkpoint.tensors.map(\.name))
    canonical = CanonicalModel(
      configuration: fitting.configuration, tensors: try Self.tensors(binding.tensors, checkpoint))
  }

  /// Claims of the config that do not hold but do no harm.
  public var findings: [Problem] {
    layout.findings(
      config.value, checkpoint.headers, file: checkpoint.path(StoredCheckpoint.configName).string)
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

  private typealias Reading = (
    evidence: LayoutEvidence, configuration: ModelConfiguration, binding: LayoutBinding,
    quantisation: Quantisation?
  )

  /// Reads a checkpoint as it is, or without what the wrapper of a trainer put before all names.
  /// - Throws: what was wrong with it as it is.
  private static func recognised(
    _ stored: StoredCheckpoint, _ read: (StoredCheckpoint) throws -> Reading
  ) throws -> (StoredCheckpoint, Reading) {
    do {
      return (stored, try read(stored))
    } catch {
      guard let inner = stored.unwrapped,
        let (checkpoint, found) = try? recognised(inner, read)
      else { throw error }
      var reading = found
      if checkpoint.namePrefix == inner.namePrefix {
        reading.evidence = reading.evidence.adding(
          "all names begin with \(inner.namePrefix), which is taken off")
      }
      return (checkpoint, reading)
    }
  }

  private static func reading(
    _ checkpoint: StoredCheckpoint, from: String?, _ allowsExtra: Bool, _ catalogue: LayoutCatalogue
  ) throws -> Reading {
    let config = try config(checkpoint)
    let headers = checkpoint.headers
    func has(_ name: String) -> Bool { headers[name] != nil }
    if let packed = PackedWeights.recognise(config, headers) {
      throw packed.problem.inFile(checkpoint.directory.string)
    }
    let candidates = try Problem.placing({ $0.inFile(checkpoint.directory.string) }) {
      try from.map { try catalogue.forms(of: $0, config: config, has: has) }
        ?? catalogue.candidates(config: config, has: has)
    }
    let readings = candidates.map { candidate in
      Result { try read(candidate, config, checkpoint, headers, allowsExtra) }
    }
    return try fitting(readings, file: checkpoint.directory.string)
  }

  /// The candidate whose names and shapes are those of the checkpoint.
  /// - Throws: the problems of the nearest candidate where none fits; `Problem` of kind `unsupported`
  ///   where two layouts fit.
  private static func fitting(
    _ readings: [Result<Reading, Error>], file: String
  ) throws -> Reading {
    let fitting = readings.compactMap { try? $0.get() }
    guard let first = fitting.first else { return try nearest(readings).get() }
    let ids = Set(fitting.map(\.evidence.layout.id)).sorted()
    guard ids.count == 1 else {
      throw Problem(
        .unsupported, "more than one layout fits this checkpoint",
        file: file, found: ids.joined(separator: ", "),
        remedy: "name the layout with --from")
    }
    return first
  }

  /// The reading with the fewest problems; one whose config can be read is nearer than any other.
  private static func nearest(_ readings: [Result<Reading, Error>]) -> Result<Reading, Error> {
    func distance(_ reading: Result<Reading, Error>) -> Int {
      guard case .failure(let error) = reading else { return 0 }
      let problems = error.asProblems
      let isConfig = problems.first?.file?.hasSuffix(StoredCheckpoint.configName)
      return isConfig == true ? Int.max : problems.count
    }
    return readings.min { distance($0) < distance($1) } ?? readings[0]
  }

  private static func read(
    _ candidate: LayoutEvidence, _ config: JSONValue, _ checkpoint: StoredCheckpoint,
    _ stored: StoredHeaders, _ allowsExtra: Bool
  ) throws -> Reading {
    let configFile = checkpoint.configPath.string
    let (configuration, quantisation, binding) = try Problem.placing({
      $0.inFile(configFile)
        .advised(
          "correct the config, or fetch the one that belongs to these weights", for: .invalid
        )
        .advised("only what is expected is read; another value is another model", for: .unsupported)
    }) {
      let configuration = try candidate.layout.configuration(from: config)
      try checkCount(configuration.layers.count, checkpoint)
      let quantisation = try candidate.layout.quantisation(from: config)
      let binding = try LayoutBinding(candidate.layout, configuration)
      return (configuration, quantisation, binding.scaled(by: quantisation, stored: stored))
    }
    try binding.check(
      stored: checkpoint.shaped(like: binding.tensors), quantisation: quantisation,
      allowsExtra: allowsExtra,
      file: checkpoint.directory.string)
    try ProblemList.throwIfAny(
      candidate.layout.claimProblems(config, stored, file: configFile))
    return (candidate, configuration, binding, quantisation)
  }

  /// Refuses absurd numbers of layers before they are spelled out.
  private static func checkCount(_ layers: Int, _ checkpoint: StoredCheckpoint) throws {
    guard layers > checkpoint.tensors.count else { return }
    throw Problem(
      .invalid, "the config has more layers than there are tensors",
      expected: "at most \(checkpoint.tensors.count) layers", found: "\(layers)")
  }

  static func tensors(_ bound: [BoundTensor], _ checkpoint: StoredCheckpoint) throws
    -> [Role: CanonicalTensor]
  {
    var tensors: [Role: CanonicalTensor] = [:]
    tensors.reserveCapacity(bound.count)
    for bound in bound {
      let stored = try joined(
        bound.pieces.map { name in
          guard let piece = checkpoint.tensor(name) else {
            throw Problem(.invalid, "a tensor the config asks for is missing", tensor: name)
          }
          return piece
        })
      let scales = bound.scales.flatMap { checkpoint.scales($0, of: stored) }
      for part in bound.parts {
        var tensor = CanonicalTensor(
          shape: part.shape, type: stored.type, region: stored.region, view: part.view,
          steps: part.steps, scales: scales, origin: stored.name)
        tensor.hasFixedType = bound.storedType.isFixed
        tensors[part.role] = tensor
      }
    }
    return tensors
  }

  /// Stored tensors end to end along axis 0: one as it is, several in memory.
  /// - Cost: their size; only small convolution weights are stored that way.
  private static func joined(_ pieces: [StoredTensor]) throws -> StoredTensor {
    if pieces.count == 1 { return pieces[0] }
    guard let first = pieces.first, pieces.allSatisfy({ $0.type == first.type }) else {
      throw Problem(
        .invalid, "tensors that belong together differ in type",
        tensor: pieces.map(\.name).joined(separator: ", "))
    }
    let bytes = try OwnedBytes(reserving: pieces.reduce(0) { $0 + $1.byteCount })
    var offset = 0
    for piece in pieces {
      try piece.region.withBytes {
        UnsafeMutableRawBufferPointer(rebasing: bytes.mutableBytes[offset...]).copyMemory(from: $0)
      }
      offset += piece.byteCount
    }
    let rows = pieces.reduce(0) { $0 + ($1.shape.first ?? 0) }
    return StoredTensor(
      name: first.name, type: first.type, shape: [rows] + first.shape.dropFirst(),
      region: ByteRegion(bytes), file: first.file)
  }

  /// The layout to convert to, in a form or else in that of the model, now or before, where it is
  /// written.
  /// - Parameter cast: the type asked for all tensors, which decides whether weights stay quantised.
  /// - Throws: `Problem` of kind `usage` for an id or a form nobody knows or writes.
  public func target(
    _ id: String, form: String? = nil, cast: ScalarType? = nil, in catalogue: LayoutCatalogue
  ) throws -> Layout {
    if form == nil, id == layout.id, layout.variant.isWritten { return layout }
    let former = form == nil ? manifest?.origin(id)?.form : nil
    let known = former.flatMap { $0.isEmpty ? nil : try? catalogue.layout(id, form: $0) }
    return try known
      ?? catalogue.layout(id, form: form, quantised: quantisation != nil && cast == nil)
  }

  /// Stored tensors that are carried through by name.
  public var carried: [StoredTensor] {
    checkpoint.tensors.filter { binding.carrier(of: $0.name) != nil }
  }
}
