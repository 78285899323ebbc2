import Canonical
import Containers
import Diagnostics
import JSON
import Layouts
import Opening
import Reports
import Tensors

/// What `inspect` reports about a model.
struct ModelSummary {
  let model: OpenedModel
  let configuration: ModelConfiguration
  let signs: [ValueSign]
  /// The stored values of the tensors of each layer.
  let layerParameters: [Int]
  /// What lies beside the weights and is no part of the model.
  let beside: SidecarSummary
  /// What the layout's library needs to load the model.
  let programs: [NeededProgram]
  let types: [(type: ScalarType, tensors: Int, bytes: Int)]
  /// What can be done with the model.
  let uses: ModelUses

  /// - Parameter catalogue: the layouts that the model might become; nil not to look for them.
  /// - Throws: `Problem` of kind `io` where values cannot be read.
  init(_ model: OpenedModel, becoming catalogue: LayoutCatalogue? = nil) throws {
    self.model = model
    uses = try ModelUses(model, in: catalogue)
    configuration = model.configuration
    signs = try model.signs()
    beside = SidecarSummary(model.checkpoint)
    programs = try model.neededPrograms()
    layerParameters = Self.parametersByLayer(model)
    types = Self.types(model.stored.tensors)
  }

  var parameters: Int {
    let scales = model.binding.allScales.compactMap { model.checkpoint.tensor($0.name) }
    func count(_ tensors: [StoredTensor]) -> Int { tensors.reduce(0) { $0 + $1.elementCount } }
    return count(model.checkpoint.tensors) - count(scales)
  }

  private static func parametersByLayer(_ model: OpenedModel) -> [Int] {
    var sums = Array(repeating: 0, count: model.configuration.layers.count)
    for tensor in model.binding.tensors {
      guard let layer = tensor.parts.first?.role.layer else { continue }
      sums[layer] += tensor.shape.reduce(1, *)
    }
    for tensor in model.carried {
      guard let layer = model.binding.carrier(of: tensor.name)?.layer else { continue }
      sums[layer] += tensor.elementCount
    }
    return sums
  }

  var byteCount: Int { model.stored.byteCount }

  private static func types(_ tensors: [StoredTensor])
    -> [(type: ScalarType, tensors: Int, bytes: Int)]
  {
    var sums: [ScalarType: (tensors: Int, bytes: Int)] = [:]
    for tensor in tensors {
      let (count, bytes) = sums[tensor.type] ?? (0, 0)
      sums[tensor.type] = (count + 1, bytes + tensor.byteCount)
    }
    return ScalarType.allCases.compactMap { type in
      sums[type].map { (type, $0.tensors, $0.bytes) }
    }
  }

  var map: String { configuration.layers.map(\.mixer.mark).joined(separator: " ") }

  var form: [StoredForm.Aspect] {
    StoredForm(model.binding, configuration).aspects
  }

  var unused: [String] {
    NameFolding.fold(model.unused).map { "\($0), which the original never reads" }
  }

  /// How weights are quantised; nothing where none is.
  var quantisationLines: [String] {
    (model.quantisation.map { [text($0)] } ?? model.packing?.lines(plain: plainMatrices) ?? [])
      + model.activationLines
  }

  /// The matrices that are not packed.
  var plainMatrices: Int {
    model.checkpoint.tensors.count { $0.packed == nil && $0.shape.count == 2 }
  }

  var quantisedTensors: Int { model.binding.allScales.count }

  private func text(_ quantisation: Quantisation) -> String {
    guard let block = quantisation.block else {
      return "\(Quantity.of(quantisedTensors, "tensor")) in FP8, scales by tensor"
    }
    let tables = model.binding.allScales.count(where: \.isPerTensor)
    return "\(Quantity.of(quantisedTensors - tables, "tensor")) in FP8, scales by blocks of "
      + "\(block.rows) × \(block.columns)"
      + (tables > 0 ? "; \(Quantity.of(tables, "table")) with one scale each" : "")
  }

  /// What the checkpoint is, line by line.
  var head: [(label: String, text: String)] {
    let layers = Quantity.of(configuration.layers.count, "layer")
    let tensors = Quantity.of(model.stored.tensors.count, "tensor")
    let files = Quantity.of(model.checkpoint.weightFiles.count, "file")
    return [
      ("because", model.evidence.evidence.joined(separator: ", ")),
      ("container", container),
      (
        "model",
        "\(layers), hidden \(configuration.hidden), vocabulary \(configuration.vocabulary)"
          + headText
      ),
      (
        "parameters",
        "\(Quantity.count(parameters)) in \(tensors), \(Quantity.bytes(byteCount)) in \(files)"
          + (hasIdleExperts ? "; a token uses \(Quantity.count(activeParameters))" : "")
      ),
      ("dtypes", types.map { "\($0.type.rawValue) × \($0.tensors)" }.joined(separator: ", ")),
      ("layer map", map),
    ] + positionLines + companionLines
  }

  func text(verbose: Bool) -> [String] {
    var lines = ["\(model.checkpoint.directory.string): layout \(model.layout.id)"]
    lines += head.flatMap { Self.lines($0, [$1]) }
    lines += Self.lines("quantised", quantisationLines)
    lines += Self.lines("stored", form.map { "\($0.name): \($0.text)" })
    lines += Self.lines("blocks", blockLines)
    lines += Self.lines("unused", unused)
    lines += Self.lines("values", signs.map(\.line))
    lines += Self.lines("findings", model.findings.map(\.claim))
    lines += Self.lines("beside", beside.lines)
    lines += Self.lines("programs", programs.map(\.line))
    lines += Self.lines("loads in", uses.programLines)
    lines += Self.lines("becomes", uses.targetLines)
    lines += Self.lines("unknown", unknownKeys.map { "key \($0), which Graft does not know" })
    lines += [""] + table.lines(width: Terminal.columns)
    if verbose { lines += [""] + tensorLines + ignoredLines }
    return lines
  }

  private var headText: String {
    switch configuration.head {
    case .own: ""
    case .tied: ", tied head"
    case .none: ", no language head"
    }
  }

  private var container: String {
    let beside = [
      ("not read", model.checkpoint.unread),
      ("not weights", IgnoredValue.summary(model.checkpoint.ignored)),
    ]
    return beside.reduce(model.checkpoint.container.rawValue) { line, list in
      line + (list.1.isEmpty ? "" : "; \(list.0): \(Self.shortened(list.1))")
    }
  }

  /// The first few texts of a list, and how many more there are.
  private static func shortened(_ texts: [String]) -> String {
    let most = 8
    return texts.prefix(most).joined(separator: ", ")
      + (texts.count > most ? " and \(texts.count - most) more" : "")
  }

  /// Lines of which the first has a label.
  private static func lines(_ label: String, _ texts: [String]) -> [String] {
    let padded = label + String(repeating: " ", count: 12 - label.count)
    let blank = String(repeating: " ", count: 12)
    return texts.enumerated().map { "  " + ($0 == 0 ? padded : blank) + $1 }
  }

  private var ignoredLines: [String] {
    model.checkpoint.ignored.map { "  not a weight: \($0.text)" }
  }

  private var tensorLines: [String] {
    model.stored.tensors.map {
      "  \($0.name)  \($0.type.rawValue) \(TensorShape.text($0.shape))"
    }
  }
}
