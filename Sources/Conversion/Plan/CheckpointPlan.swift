import Comparison
import Containers
import Diagnostics
import JSON
import Layouts
import Opening
import Packing
import SystemPackage
import Tensors

/// Everything that will be written, decided from headers alone.
public struct CheckpointPlan: Sendable {
  /// One tensor of the output.
  public struct Tensor: Sendable {
    /// Where its bytes come from.
    enum Content: Sendable {
      case stored(StoredTensor)
      case move(TensorMove)
      case encoded(EncodedMove)
      case part(PackedPart, of: Repacking)
    }

    /// The move of a packed weight of which a tensor is a part.
    struct Repacking: Sendable {
      let move: TensorMove
      /// Whether the part is the first, which stands for all.
      let isFirst: Bool
      /// What the config says of the weight; nil where it says nothing.
      let entry: JSONValue?
    }

    /// The stored name.
    public let name: String
    /// The type of its elements.
    public let type: ScalarType
    /// The stored shape.
    public let shape: [Int]
    /// The rule that makes it.
    public let rule: TensorRuleName
    let content: Content

    /// The size.
    /// - Units: bytes.
    public var byteCount: Int { TensorShape.byteCount(shape, type) ?? 0 }
  }

  /// One weight file of the output.
  public struct Shard: Sendable {
    /// The name of the file.
    public let fileName: String
    /// Its tensors.
    public let tensors: [Tensor]
    /// The file of the source with the same content; nil for a file that is written anew.
    public let clone: FilePath?
    let metadata: [(key: String, value: String)]
    var values: GGUFHeader.Metadata = []

    /// The size of its tensors.
    /// - Units: bytes.
    var byteCount: Int { tensors.reduce(0) { $0 + $1.byteCount } }
  }

  /// The checkpoint that it is made of.
  public let source: OpenedModel
  /// The id of the layout that is written.
  public let layout: String
  /// The kind of weight files that is written.
  public let container: Container
  /// The weight files.
  public let shards: [Shard]
  /// Whether an index is written.
  public let writesIndex: Bool
  /// The config; weight files that say themselves what they hold have it in their metadata.
  public let config: [UInt8]
  /// The files beside the weights that are copied.
  public internal(set) var sidecars: [TravellingFile]
  /// The program files that are written beside the weights.
  public let code: [CodeFile]
  /// What the source has and the output has not.
  public internal(set) var dropped: [LeftOut]
  /// What users of the layout's own library should know.
  public var notes: [String] = []
  /// The facts that have another value in the output, because that is allowed.
  public internal(set) var allowed: [LayoutComparison.Row] = []
  /// The layouts the model was in before, the latest first.
  var origins: [ModelHistory.Origin] = []
  /// The layout file of the output; nil for a layout that is part of the build.
  var layoutFile: LayoutFile.Record?
  /// Values of former layouts that the record keeps.
  var kept: [KeptValues] = []
  /// Whether the record also keeps values of the source that cannot be computed back from the output.
  var keepsValues = false
  /// Where the model stands in what a trainer loads from a distributed checkpoint.
  var keys = StateKeys.none
  /// Statements of the source that are wrong but change nothing that is computed; nil for those of its config.
  var foundInSources: [Problem]?
  /// The checkpoints that a composition was made of; empty for any other plan.
  var composedOf: [ComposedSource] = []
  /// The options with which Megatron builds the model; nil for a model that is not stored for it.
  var megatron: MegatronOptions?

  /// Statements of what it is made of that are wrong but change nothing that is computed.
  public var findings: [Problem] { foundInSources ?? source.findings }

  /// The file that lists the weight files.
  var indexBytes: [UInt8] {
    get throws {
      let files = shards.map { DistributedWriter.File(name: $0.fileName, tensors: $0.headers) }
      switch container {
      case .dcp: return try DistributedWriter.metadata(files, under: keys)
      case .torchDist: return try DistributedWriter.metadataOfMegatron(files)
      default: return Array(index.text.utf8)
      }
    }
  }

  /// The index of the output.
  var index: ShardIndex {
    let tensors = shards.flatMap { shard in shard.tensors.map { ($0, shard.fileName) } }
    return ShardIndex(
      weightMap: tensors.map { (tensor: $0.name, file: $1) },
      totalSize: tensors.reduce(0) { $0 + $1.0.byteCount },
      totalParameters: tensors.reduce(0) { $0 + (TensorShape.elementCount($1.0.shape) ?? 0) })
  }
}

extension CheckpointPlan {
  /// The most weight files, whose numbers have five digits.
  private static let mostShards = 99_999

  /// Refuses, before anything is written, what the files cannot hold or what a reader would refuse.
  /// - Throws: `Problem` of kind `unsupported` that names the file and the tensor, or `usage` for too many
  ///   files.
  func checkFiles() throws {
    guard shards.count <= Self.mostShards else {
      throw Problem(
        .usage, "the output would be cut into too many files",
        expected: "at most \(Self.mostShards)",
        found: "\(shards.count)", remedy: "give a larger --max-shard-size")
    }
    for shard in shards where shard.clone == nil {
      try locating(.file(shard.fileName), advising: "choose another container with --container") {
        _ = try shard.filePlan(in: container)
      }
    }
    if container.isDistributed { try locating(.file(container.indexName)) { _ = try indexBytes } }
  }

  /// Refuses types that the files to be written do not know.
  static func refuseTypes(_ tensors: [Tensor], _ container: Container) throws {
    let strange = tensors.filter { !container.holds($0.type) }
    try Problem.throwIfAny(
      Set(strange.map(\.type)).sorted { $0.rawValue < $1.rawValue }.map { type in
        Problem(
          .unsupported, "\(container.rawValue) files have no such type",
          tensor: NameFolding.summary(strange.filter { $0.type == type }.map(\.name)),
          found: type.rawValue, remedy: "choose another type with --dtype f32, bf16 or f16")
      })
  }

  /// Refuses to change values where that was not allowed.
  static func refuseLoss(_ tensors: [Tensor]) throws {
    let losses = try tensors.compactMap { tensor -> (name: String, loss: String)? in
      guard case .move(let move) = tensor.content, let loss = move.loss, try move.changesValues()
      else {
        return nil
      }
      let isUnpacked = tensor.rule.isUnpacked
      return (
        tensor.name, isUnpacked ? "dequantised values stored as \(tensor.type.rawValue)" : loss
      )
    }
    let kinds = Set(losses.map(\.loss)).sorted()
    try Problem.throwIfAny(
      kinds.map { kind in
        Problem(
          .unsupported, "writing would change values: \(kind)",
          tensor: NameFolding.summary(losses.filter { $0.loss == kind }.map(\.name)),
          remedy: "add --allow lossy if that is meant")
      })
  }
}
