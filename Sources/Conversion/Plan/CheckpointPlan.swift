import Comparison
import Containers
import Diagnostics
import JSON
import Layouts
import Opening
import Packing
import SystemPackage
import Tensors

/// The rule by which a stored tensor comes about, for reports.
public enum TensorRuleName: Hashable, Sendable {
  /// The bytes of the source, where they were.
  case copied
  /// The bytes of the source in another order.
  case rearranged
  /// The values of the source in another type.
  case cast(from: ScalarType, to: ScalarType)
  /// Quantised values of the source times their scales.
  case dequantised(from: ScalarType, to: ScalarType)
  /// The values of a packed weight.
  case unpacked(PackingScheme, to: ScalarType)
  /// Values of the source packed into several tensors, of which this is one.
  case quantised(PackingScheme)
  /// Values computed from those of the source, such as a norm with one added.
  case computed(ScalarType)
  /// The codes of a packed weight of the source in other parts, rows or blocks.
  case repacked(from: PackingScheme, to: PackingScheme)
  /// The bytes of the source, of which only the name is understood.
  case carried
  /// The rows of the source, fewer of them or zeros behind them, perhaps in another type.
  case resized
  /// Bytes of a former layout that the record of a conversion kept.
  case restored
  /// Values of the source with the changes of adapters.
  case merged
  /// Values of the fine-tuned copy among parts of the checkpoint it came from.
  case tuned
  /// Norms or decay rates of the source with values that the layout wants.
  case mended
  /// The values of a donor.
  case donated
  /// Values that no checkpoint held before.
  case new

  /// The words of a report.
  public var text: String {
    switch self {
    case .copied: "copied"
    case .rearranged: "rearranged"
    case .cast(let from, let to): "cast \(from.rawValue) to \(to.rawValue)"
    case .dequantised(let from, let to): "dequantised \(from.rawValue) to \(to.rawValue)"
    case .unpacked(let scheme, let to): "dequantised \(scheme.text) to \(to.rawValue)"
    case .quantised(let scheme): "quantised to \(scheme.text)"
    case .repacked(let from, let to):
      from == to ? "moved packed, \(to.text)" : "repacked \(from.text) as \(to.text)"
    case .computed(let type): "computed as \(type.rawValue)"
    case .carried: "carried"
    case .resized: "cut or padded"
    case .restored: "restored"
    case .merged: "merged"
    case .tuned: "of the fine-tuned copy"
    case .mended: "mended"
    case .donated: "donated"
    case .new: "new"
    }
  }

  /// Whether values are those of the source, though not its bytes.
  var keepsValues: Bool {
    if case .unpacked(_, to: .f32) = self { return true }
    return self == .rearranged || self == .tuned
  }
  /// Whether the bytes come from elsewhere than the files of the source.
  var isUnpacked: Bool { if case .unpacked = self { true } else { false } }
  /// Whether codes of the source stand in other parts.
  var isRepacked: Bool { if case .repacked = self { true } else { false } }
}

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
}
