import Canonical
import Containers
import Diagnostics
import JSON
import Layouts
import SystemPackage
import Tensors

/// A checkpoint on disk understood through its layout: names and shapes are checked, no payload read.
public struct OpenedModel: Sendable {
  /// The files, with the values of packed weights in the place of their parts.
  public internal(set) var checkpoint: StoredCheckpoint {
    didSet { carried = Self.carried(by: binding, checkpoint) }
  }
  /// Stored tensors that are carried through by name.
  public private(set) var carried: [StoredTensor]
  /// How weights are packed; nil where none are.
  public let packing: PackedStorage?
  /// The files as they lie, where scales of activations lie beside weights in FP8, and these scales.
  let fp8: (stored: StoredCheckpoint, beside: [StoredTensor])?
  /// The layout and what spoke for it.
  public let evidence: LayoutEvidence
  /// The stored tensors as the layout prescribes them.
  public internal(set) var binding: LayoutBinding
  /// The quantisation that the config announces; nil for none.
  public let quantisation: Quantisation?
  /// The model in the canonical form.
  public internal(set) var canonical: CanonicalModel
  /// What was merged into it since it was opened.
  public internal(set) var adapters: [AdapterRecord] = []
  /// The files as they lie, where something was merged.
  public internal(set) var unchanged: StoredCheckpoint?
  /// The carried tensors that come from another checkpoint.
  package internal(set) var foreignNames: Set<String> = []
  /// What the user said about the stored form.
  public let assumptions: [Assumption]
  /// How norms are stored, where the user says it.
  let norms: NormReading?
  /// The names of stored tensors for which the layout has no use.
  public let extra: [(name: String, kind: StrayTensor)]
  /// The config keys, and files beside the config, that announce quantised weights although none are
  /// stored.
  public let leftover: [String]

  /// The layout.
  public var layout: Layout { evidence.layout }
  /// What the weights do not say.
  public var configuration: ModelConfiguration { canonical.configuration }

  /// Opens a checkpoint.
  /// - Parameters:
  ///   - from: the layout to read it as; nil to recognise it.
  ///   - assuming: what is known about the stored form beyond names and shapes.
  ///   - allowing: the kinds of tensors for which the layout has no use that there may be.
  /// - Throws: `Problem`, each naming file, tensor, expected and found.
  /// - Cost: reads config, index and headers only.
  public init(
    _ path: FilePath, from: String? = nil, assuming: [Assumption] = [],
    allowing: Set<StrayTensor> = [], catalogue: LayoutCatalogue
  ) throws {
    try self.init(
      StoredCheckpoint.open(path), from: from, assuming: assuming, allowing: allowing,
      catalogue: catalogue)
  }

  /// Understands a checkpoint that was opened.
  /// - Throws: `Problem`, each naming file, tensor, expected and found.
  public init(
    _ stored: StoredCheckpoint, from: String? = nil, assuming: [Assumption] = [],
    allowing: Set<StrayTensor> = [], catalogue: LayoutCatalogue
  ) throws {
    assumptions = assuming
    leftover = stored.leftoverQuantisation
    let beside = stored.activationScales
    fp8 = beside.isEmpty ? nil : (stored, beside)
    let stored = try stored.without(beside).unpacked()
    packing = stored.packing
    let fitting: Reading
    (checkpoint, fitting) = try Self.recognised(
      leftover.isEmpty ? stored.checkpoint : stored.checkpoint.withConfig(\.withoutQuantisation),
      catalogue
    ) {
      try Self.reading($0, from: from, allowing, catalogue)
    }
    evidence = fitting.evidence
    quantisation = fitting.quantisation
    norms = try Self.norms(fitting, assuming, checkpoint)
    binding =
      assuming.isEmpty
      ? fitting.binding
      : try fitting.binding
        .assuming(assuming, offsets: norms?.offsets ?? [:], fitting.configuration)
        .scaled(by: fitting.quantisation, stored: checkpoint.headers, fitting.found)
    carried = Self.carried(by: binding, checkpoint)
    extra = fitting.extra
    canonical =
      CanonicalModel(
        configuration: try fitting.configuration.assuming(assuming, in: evidence.layout),
        tensors: try Self.tensors(binding.tensors, fitting.found, checkpoint)
      ).withImplied
    try locating(.file(checkpoint.configPath.string)) { try checkBlocks() }
  }

  private static func norms(
    _ reading: Reading, _ assumptions: [Assumption], _ checkpoint: StoredCheckpoint
  ) throws -> NormReading? {
    let isAsked = assumptions.contains { if case .normOffset = $0 { true } else { false } }
    guard isAsked else { return nil }
    return try locating(.file(checkpoint.weightsPath.string)) {
      try NormReading(
        centredNorms(reading.configuration, reading.binding, checkpoint), assumptions)
    }
  }

  /// Statements of the config that are wrong but change nothing that is computed.
  public var findings: [Problem] {
    leftoverFindings + claims.findings
  }

  /// What the config claims beyond the facts of the model.
  package var claims: ConfigClaims {
    ConfigClaims(
      binding, configuration, checkpoint.config ?? .null, checkpoint.headers,
      file: checkpoint.configPath.string)
  }

  private var leftoverFindings: [Problem] {
    leftover.map { key in
      Problem(
        .invalid, "the config claims quantised weights, and no tensor is quantised",
        file: checkpoint.configPath.string, expected: "no \(key)", found: key,
        remedy: "remove \(key), or convert, which leaves it out")
    }
  }

  static func tensors(
    _ tensors: [BoundTensor], _ found: FoundTensors, _ checkpoint: StoredCheckpoint
  ) throws -> [Role: CanonicalTensor] {
    try canonical(
      zip(tensors, tensors.indices.lazy.map { found[$0].map { checkpoint.tensors[$0] } }),
      checkpoint)
  }

  package static func tensors(_ tensors: [BoundTensor], _ checkpoint: StoredCheckpoint) throws
    -> [Role: CanonicalTensor]
  {
    try canonical(
      zip(tensors, tensors.lazy.map { $0.isOnePiece ? checkpoint.tensor($0.name) : nil }),
      checkpoint)
  }

  /// The tensors by role, from bound ones, each beside the stored tensor that it is, where it is one.
  private static func canonical(
    _ found: some Sequence<(BoundTensor, StoredTensor?)>, _ checkpoint: StoredCheckpoint
  ) throws -> [Role: CanonicalTensor] {
    var tensors: [Role: CanonicalTensor] = [:]
    tensors.reserveCapacity(found.underestimatedCount)
    for (bound, own) in found {
      let (stored, widened) =
        try own.map { ($0, []) } ?? joined(try pieces(of: bound, checkpoint))
      let scales = bound.scales.flatMap { checkpoint.scales($0, of: stored) }
      for part in bound.parts {
        var tensor = CanonicalTensor(
          shape: part.shape, type: stored.type, region: stored.region, view: part.view,
          steps: part.steps, scales: scales, origin: stored.name)
        tensor.hasFixedType = bound.storedType.isFixed
        tensor.isJoined = bound.pieceCount > 1
        tensor.pieces = widened
        tensors[part.role] = tensor
      }
    }
    return tensors
  }

  private static func pieces(of bound: BoundTensor, _ checkpoint: StoredCheckpoint) throws
    -> [StoredTensor]
  {
    try bound.pieces.map { name in
      guard let piece = checkpoint.tensor(name) else {
        throw Problem(.invalid, "a tensor the config asks for is missing", tensor: name)
      }
      return piece
    }
  }

  /// Stored tensors end to end along axis 0, each where it lies; with each of them where their types differ, so
  /// that the whole has their values as F32.
  private static func joined(_ pieces: [StoredTensor]) throws -> (
    whole: StoredTensor, widened: [CanonicalTensor]
  ) {
    let first = pieces[0]
    if pieces.count == 1 { return (first, []) }
    if pieces.allSatisfy({ $0.type == first.type }) {
      let rows = pieces.reduce(0) { $0 + ($1.shape.first ?? 0) }
      return (
        StoredTensor(
          name: first.name, type: first.type, shape: [rows] + first.shape.dropFirst(),
          region: ByteRegion(JoinedBytes(pieces.map(\.region))), file: first.file), []
      )
    }
    guard let whole = CanonicalTensor(widening: pieces.map(\.values)) else {
      throw Problem(
        .unsupported, "tensors that belong together have types that cannot stand together",
        tensor: NameFolding.summary(pieces.map(\.name)),
        expected: "one type, or types of single values such as F32, BF16 and F16",
        found: Set(pieces.map(\.type.rawValue)).sorted().joined(separator: ", "),
        remedy: "store them in one type")
    }
    return (
      StoredTensor(
        name: first.name, type: whole.type, shape: whole.shape, region: whole.region,
        file: first.file), whole.pieces
    )
  }

  private static func carried(by binding: LayoutBinding, _ checkpoint: StoredCheckpoint)
    -> [StoredTensor]
  {
    checkpoint.tensors.filter { binding.carrier(of: $0.name) != nil }
  }

  /// The stored tensors that the original never reads.
  public var unused: [String] {
    carried.map(\.name).filter { binding.carrier(of: $0)?.isUnused == true }
  }

  /// The carried tensors that make no difference: those that the original never reads, and those without
  /// elements, such as the weights of a shared expert of width 0.
  package var silent: Set<String> {
    Set(carried.filter { $0.elementCount == 0 }.map(\.name) + unused)
  }
}
