import Canonical
import Containers
import Diagnostics
import Layouts
import Opening
import Tensors

extension CheckpointPlan {
  /// Plans a composition, in the layout, the form and the container of the origin.
  /// - Throws: `Problem` where the files cannot be written.
  /// - Parameter catalogue: where a form without a tower is found, if none is taken.
  public init(
    composing composition: Composition, options: ConversionOptions, in catalogue: LayoutCatalogue
  ) throws {
    let (copy, origin) = (composition.copy, composition.origin)
    var options = options
    options.dropsMTP = composition.composed.tensors(of: .mtp).isEmpty
    let hasTower = !composition.composed.tensors(of: .vision).isEmpty
    let losesTower = !hasTower && !origin.tensors(of: .vision).isEmpty
    try self.init(
      converting: composition.composed,
      to: losesTower ? catalogue.layout(origin.layout.id) : origin.layout, options: options)
    let beside = try ComposedFiles(composition, allowsCode: options.allowsCode)
    sidecars = beside.files
    dropped = dropped.filter { $0.kind != .file } + beside.dropped
    composedOf = [copy, origin].map { model in
      ComposedSource(
        layout: model.layout.id, files: model.checkpoint.weightFiles,
        isCopy: model.checkpoint.directory == copy.checkpoint.directory)
    }
    foundInSources = copy.findings + origin.findings
    notes += composition.notes
  }
}

extension Composition {
  /// What should be known of the result.
  fileprivate var notes: [String] {
    taken.map { part in
      let count = composed.tensors(of: part).count
      let stale =
        part == .mtp
        ? "; they were not trained along with the copy, so that drafts are accepted less often until they are"
        : "; it was not trained along with the copy"
      return "\(part.text), \(count) tensors, from \(origin.checkpoint.directory.string)\(stale)"
    }
  }
}

/// One of the checkpoints that a composition was made of, for the record.
struct ComposedSource: Sendable {
  let layout: String
  let files: [String]
  let isCopy: Bool
}

/// The files beside the weights of a composition: those of the copy, and those that only the origin has.
struct ComposedFiles {
  private(set) var files: [TravellingFile] = []
  private(set) var dropped: [LeftOut] = []

  /// Files that describe one tokenizer together, of which the copy has all or none.
  private static let tokenizer: Set<String> = [
    "tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt", "added_tokens.json",
    "special_tokens_map.json", "tokenizer.model",
  ]

  init(_ composition: Composition, allowsCode: Bool) throws {
    let own = try Self.files(composition.copy, allowsCode)
    let others = try Self.files(composition.origin, allowsCode)
    let names = Set(own.files.map(\.name))
    let hasTokenizer = !names.isDisjoint(with: Self.tokenizer)
    let added = others.files.filter { file in
      !names.contains(file.name) && !(hasTokenizer && Self.tokenizer.contains(file.name))
    }
    files = (own.files + added).sorted { $0.name < $1.name }
    let written = Set(files.map(\.name))
    dropped = own.dropped + composition.copy.checkpoint.leftBehind
    let left = Set(dropped.map(\.name))
    dropped += (others.dropped + composition.origin.checkpoint.leftBehind).filter {
      $0.kind == .file && !written.contains($0.name) && !left.contains($0.name)
    }
    let unused = others.files.filter { !written.contains($0.name) }
    dropped += unused.map { LeftOut(.file, $0.name, "the copy has a tokenizer of its own") }
  }

  private static func files(_ model: OpenedModel, _ allowsCode: Bool) throws -> TravellingFiles {
    let names = Set([Container.safetensors, .torch, .npz].map(\.indexName))
    return try TravellingFiles(
      model.checkpoint, allowsCode: allowsCode, keepsRecordings: false,
      stale: model.leftover + names)
  }
}
