import Canonical
import Diagnostics
import JSON
import Tensors

/// What a config claims beyond the facts of the model: layers of multi-token prediction, a vision tower,
/// the class that reads it, the tie of the head, the size of the vocabulary and the type of weights.
public struct ConfigClaims {
  let layout: Layout
  let configuration: ModelConfiguration
  let config: JSONValue
  let stored: StoredHeaders
  let file: String
  let predictionPrefixes: [String]

  /// The claims of a config about stored tensors.
  /// - Parameters:
  ///   - binding: the tensors that the config asks for.
  ///   - file: what says it, for messages.
  public init(
    _ binding: LayoutBinding, _ configuration: ModelConfiguration, _ config: JSONValue,
    _ stored: StoredHeaders, file: String
  ) {
    layout = binding.layout
    self.configuration = configuration
    self.config = config
    self.stored = stored
    self.file = file
    let counted = binding.layout.predictionFactKey == nil ? "" : "blk."
    predictionPrefixes = binding.carried.filter(\.isPrediction).map(\.prefix)
      .filter { $0.hasPrefix(counted) }
  }

  /// Wrong claims that would make another reader load a wrong model without an error.
  public var problems: [Problem] {
    guard let (key, claimed) = predictionClaim else { return [] }
    let layers = predictionLayers
    guard claimed > 0, hasPrediction, layers.count != claimed || layers.max() != claimed - 1
    else { return [] }
    return [
      Problem(
        .invalid, "the config counts other layers of multi-token prediction than are stored",
        file: file, tensor: layerPlace + "layers", expected: "\(key): \(claimed)",
        found: layers.isEmpty ? "no layer" : "layers \(NameFolding.range(layers.sorted()))",
        remedy: "correct \(key) in \(layout.configName) or add the layers that are missing")
    ]
  }

  /// Wrong claims that change nothing that Graft computes: leftovers of saving a loaded model, or keys that
  /// make another reader fail.
  public var findings: [Problem] {
    predictionFindings + towerFindings + classFindings + tieFindings + vocabularyFindings
      + typeFindings
  }

  // MARK: Towers and classes

  /// A claim of a carried tower, such as that of images, of which no tensor is stored.
  private var towerFindings: [Problem] {
    guard let key = towerClaim, !stored.names.contains(where: isOfTower) else { return [] }
    return [
      Problem(
        .invalid, "tensors that the config claims are not stored", file: file,
        expected: "tensors of the vision tower, for \(key)", found: "none",
        remedy: "fetch the shards that hold them, or use the config of the text model")
    ]
  }

  private func isOfTower(_ name: String) -> Bool {
    StrayTensor(name, layers: .max) { _ in false } == .vision
  }

  /// The key that claims a vision tower; nil where none does, or where readers of the layout load the
  /// text model alone.
  private var towerClaim: String? {
    if layout.container != nil {
      return config.object?.entries.first { key, value in
        key.hasSuffix(".vision.block_count") && (value.int ?? 0) > 0
      }?.key
    }
    return config["language_model_only"] == .bool(true) ? nil : tower
  }

  /// The key under which a config describes a vision tower; nil where it does not.
  private var tower: String? {
    layout.claims.first { config[$0] != nil && config[$0] != .null }
  }

  /// Names of the text model beside the class that holds it inside: the class finds none of them and
  /// starts from random ones.
  private var classFindings: [Problem] {
    guard let outer = layout.config.outerClass, !layout.form.isWrapped, tower != nil,
      let claim = outerClassClaim(outer)
    else { return [] }
    return [
      Problem(
        .invalid, "the config names a class that finds none of the stored tensors", file: file,
        expected: "names of the text model, \(layout.form.prefix)…, for another class",
        found: claim,
        remedy: "use the config of the text model, or convert with --form to the multimodal one")
    ]
  }

  /// What in a config names the class that holds the text model inside; nil where nothing does.
  private func outerClassClaim(_ outer: JSONObject) -> String? {
    let names = outer["architectures"]?.array?.compactMap(\.string) ?? []
    let claimed = config["architectures"]?.array?.compactMap(\.string) ?? []
    if let name = claimed.first(where: names.contains) { return name }
    guard claimed.isEmpty, let type = config["model_type"]?.string,
      type == outer["model_type"]?.string
    else { return nil }
    return "model_type \(type)"
  }

  // MARK: The vocabulary, flags and types

  /// Rows for another number of tokens than the config counts.
  var vocabularyFindings: [Problem] {
    guard let stated = try? layout.configuration(from: config).vocabulary,
      case let rows = configuration.vocabulary, rows != stated
    else { return [] }
    let key = layout.config.key(of: "vocabulary") ?? "vocab_size"
    let padding = rows > stated ? ", perhaps padded by \(rows - stated) without tokens" : ""
    return [
      Problem(
        .invalid, "the vocabulary has another size than the config says", file: file,
        expected: "\(stated) rows, as \(key) says", found: "\(rows) rows" + padding,
        remedy: "convert, which sets \(key) to \(rows), or with --vocabulary config, which "
          + (rows > stated ? "leaves the other rows out" : "adds rows of zeros"))
    ]
  }

  /// Two flags of a tied head, inside and outside the nested object, that contradict each other; readers
  /// look at either.
  var tieFindings: [Problem] {
    let key = "tie_word_embeddings"
    guard let nested = layout.config.nested, let inner = config[nested]?[key], inner != .null,
      let outer = config[key], outer != .null, inner != outer
    else { return [] }
    return [
      Problem(
        .invalid, "the config says twice whether the head is tied, and differently", file: file,
        expected: "\(key): \(outer.text(indent: 0))",
        found: "\(nested)/\(key): \(inner.text(indent: 0))",
        remedy: "keep the value that the weights were made with at both places")
    ]
  }

  var typeFindings: [Problem] {
    guard let object = try? layout.config.table(config),
      let key = layout.config.typeKeys.first(where: { object[$0]?.string != nil }),
      let name = object[key]?.string,
      !stored.values.contains(where: { $0.type.configName == name })
    else { return [] }
    return [
      Problem(
        .invalid, "no tensor has the type that the config names", file: file,
        expected: "\(key): \(name)",
        found: Set(stored.values.map(\.type.rawValue)).sorted().joined(separator: ", "),
        remedy: "correct \(key) in the config, or cast the weights with --dtype")
    ]
  }
}
