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
  /// The model in the canonical form.
  public let canonical: CanonicalModel

  /// The layout.
  public var layout: Layout { evidence.layout }
  /// What the weights do not say.
  public var configuration: ModelConfiguration { canonical.configuration }

  /// Opens a checkpoint.
  /// - Parameter from: the layout to read it as; nil to recognise it.
  /// - Throws: `Problem` or `ProblemList`, each naming file, tensor, expected and found.
  /// - Cost: reads config, index and headers only.
  public init(_ path: FilePath, from: String? = nil, catalogue: LayoutCatalogue) throws {
    checkpoint = try StoredCheckpoint.open(path)
    let names = Set(checkpoint.tensors.map(\.name))
    let directory = checkpoint.directory.string
    let configFile = checkpoint.path(StoredCheckpoint.configName).string
    guard let config = checkpoint.config else {
      throw Problem(
        .missing, "there is no config.json beside the weights", file: configFile,
        remedy: "put the config.json of the model there")
    }
    guard config.object != nil else {
      throw Problem(
        .invalid, "the config is not a JSON object", file: configFile, expected: "an object",
        found: config.kindName)
    }
    evidence = try Problem.placing({ $0.inFile(directory) }) {
      guard let from else { return try catalogue.detect(config: config, names: names) }
      return LayoutEvidence(layout: try catalogue.layout(from), evidence: ["named by --from"])
    }
    let layout = evidence.layout
    let (configuration, binding) = try Problem.placing({ $0.inFile(configFile) }) {
      let configuration = try layout.configuration(from: config)
      return (configuration, try LayoutBinding(layout, configuration))
    }
    self.binding = binding
    let shapes = Dictionary(
      checkpoint.tensors.map { ($0.name, $0.shape) }, uniquingKeysWith: { first, _ in first })
    try binding.check(stored: shapes, file: directory)
    canonical = CanonicalModel(
      configuration: configuration, tensors: Self.tensors(binding, checkpoint))
  }

  private static func tensors(_ binding: LayoutBinding, _ checkpoint: StoredCheckpoint)
    -> [Role: CanonicalTensor]
  {
    var tensors: [Role: CanonicalTensor] = [:]
    for bound in binding.tensors {
      guard let stored = checkpoint.tensor(bound.name) else { continue }
      for part in bound.parts {
        tensors[part.role] = CanonicalTensor(
          shape: part.shape, type: stored.type, region: stored.region, view: part.view,
          steps: part.steps, origin: stored.name)
      }
    }
    return tensors
  }

  /// Stored tensors that are carried through by name.
  public var carried: [StoredTensor] {
    checkpoint.tensors.filter { binding.carrier(of: $0.name) != nil }
  }

  /// The tensor that a carried one repeats, such as the embedding for the head of a tied model.
  func original(of stored: StoredTensor) -> BoundTensor? {
    guard let same = binding.carrier(of: stored.name)?.same else { return nil }
    return binding.tensors.first { $0.parts.map(\.role) == [same] }
  }

  /// Checks that a tensor which repeats another, such as the head of a tied model, really does.
  /// - Throws: `Problem` of kind `invalid` where it does not.
  /// - Cost: reads the payload of such tensors; most checkpoints have none.
  public func checkRepeatedTensors() throws {
    for tensor in carried {
      guard let same = binding.carrier(of: tensor.name)?.same,
        let original = canonical.tensors[same]
      else { continue }
      let agrees =
        tensor.type == original.type && tensor.shape == original.shape
        && tensor.region.withBytes { a in original.region.withBytes { a.elementsEqual($0) } }
      guard agrees else {
        throw Problem(
          .invalid, "the config ties two tensors that differ",
          file: checkpoint.path(tensor.file).string, tensor: tensor.name,
          expected: "the values of \(original.origin)",
          remedy: "set tie_word_embeddings to false or remove the tensor")
      }
    }
  }
}
