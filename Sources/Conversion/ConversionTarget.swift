import Canonical
import Containers
import Diagnostics
import JSON
import Layouts

/// A model as another layout will hold it, or the reasons why it cannot.
struct ConversionTarget {
  /// The model, with norms stored as the layout stores them.
  let model: CanonicalModel
  /// The stored tensors.
  let binding: LayoutBinding
  /// The config to write.
  let config: [UInt8]

  /// Prepares a model for a layout; a model in a form that is written stays in it.
  /// - Throws: `Problem` or `ProblemList` of kind `unsupported`, with every reason.
  init(_ source: OpenedModel, _ layout: Layout, _ options: ConversionOptions) throws {
    let isSame = layout.id == source.layout.id
    let staysInForm = isSame && source.layout.variant.isWritten
    let form = staysInForm ? source.layout : layout
    let config = source.checkpoint.config ?? .null
    func edited(_ config: JSONValue) -> JSONValue {
      form.editedConfig(config, type: options.cast, dropsMTP: options.dropsMTP)
    }
    guard !isSame else {
      model = source.canonical
      binding =
        try staysInForm ? source.binding : LayoutBinding(form, source.configuration)
      self.config = source.configBytes(edited(config))
      return
    }
    let written = try form.writtenConfig(
      source.configuration, keeping: config, of: source.layout)
    let there = try Self.check(source.configuration, isSaidBy: written, in: form)
    model = source.canonical.withNorms(zeroCentred: there.normIsZeroCentred)
    binding = try LayoutBinding(form, there)
    self.config = Array((edited(written).text(indent: 2) + "\n").utf8)
    try checkRoles(layout)
  }

  /// Checks that a config, read again, means the configuration it was written for.
  /// - Returns: the configuration as read.
  /// - Throws: `Problem` or `ProblemList` of kind `unsupported`, one for each fact that is lost.
  @discardableResult
  static func check(
    _ configuration: ModelConfiguration, isSaidBy config: JSONValue, in layout: Layout
  ) throws -> ModelConfiguration {
    let unsaid = unsaidProblems(configuration, in: layout)
    let reading = Result { try layout.configuration(from: config) }
    if unsaid.isEmpty, case .success(let there) = reading {
      let disagreements = folded(configuration.disagreements(with: there))
      try ProblemList.throwIfAny(disagreements.map { problem($0, $1, layout) })
      return there
    }
    let fixed = folded(layout.fixedOtherwise(configuration)).map { problem($0, $1, layout) }
    try ProblemList.throwIfAny(unsaid + fixed)
    return try Problem.placing({ problem in
      var problem = problem
      problem.kind = .unsupported
      problem.what = "layout \(layout.id) cannot describe this model: " + problem.what
      return problem
    }) { try reading.get() }
  }

  /// One problem for each fact for which the layout has no words.
  private static func unsaidProblems(_ configuration: ModelConfiguration, in layout: Layout)
    -> [Problem]
  {
    let unsaid = layout.unsaid(configuration).flatMap { item in
      item.facts.map {
        FactDisagreement(fact: $0.key, layer: item.layer, here: $0.value, there: .none)
      }
    }
    return folded(unsaid.sorted { ($0.fact, $0.layer ?? -1) < ($1.fact, $1.layer ?? -1) })
      .map { item, layers in
        Problem(
          .unsupported, "layout \(layout.id) has no words for \(item.fact)",
          found: item.here.text + (layers.map { " in layers \($0)" } ?? ""))
      }
  }

  private static func problem(
    _ disagreement: FactDisagreement, _ layers: String?, _ layout: Layout
  ) -> Problem {
    Problem(
      .unsupported, "layout \(layout.id) cannot hold this model exactly: \(disagreement.fact)",
      expected: disagreement.here.text + (layers.map { " in layers \($0)" } ?? ""),
      found: "\(disagreement.there.text), which the layout means")
  }

  /// The same disagreement of several layers once, with the layers.
  private static func folded(_ list: [FactDisagreement]) -> [(FactDisagreement, layers: String?)] {
    var order: [FactDisagreement] = []
    var layers: [String: [Int]] = [:]
    for item in list {
      let key = "\(item.fact) \(item.here) \(item.there)"
      if layers[key] == nil { order.append(item) }
      layers[key, default: []] += item.layer.map { [$0] } ?? []
    }
    return order.map { item in
      let list = layers["\(item.fact) \(item.here) \(item.there)"] ?? []
      return (item, list.isEmpty ? nil : NameFolding.range(list))
    }
  }

  /// Every canonical tensor must have a place, and every place a tensor.
  private func checkRoles(_ layout: Layout) throws {
    let places = Set(binding.tensors.flatMap { $0.parts.map(\.role) })
    let homeless = model.tensors.keys.filter { !places.contains($0) }
    let names = Set(homeless.map(\.name)).sorted()
    try ProblemList.throwIfAny(
      names.map { name in
        Problem(.unsupported, "layout \(layout.id) has no place for \(name)")
      })
  }

  /// Which carried tensors of the source go along, and which are left out and why.
  /// - Throws: `Problem` of kind `unsupported` where the layout has no place for some.
  func carried(from source: OpenedModel, dropsMTP: Bool) throws -> (
    kept: [StoredTensor], dropped: [(name: String, reason: String)]
  ) {
    let isMTP = { (tensor: StoredTensor) in dropsMTP && tensor.name.hasPrefix("mtp.") }
    let dropped = source.carried.filter(isMTP).map { (name: $0.name, reason: "--mtp drop") }
    let kept = source.carried.filter { !isMTP($0) }
    let homeless = kept.filter { binding.carrier(of: $0.name) == nil }.map(\.name)
    guard homeless.isEmpty else {
      throw Problem(
        .unsupported, "layout \(binding.layout.id) has no place for some tensors",
        tensor: NameFolding.fold(homeless).prefix(3).joined(separator: ", "),
        found: "\(homeless.count) tensors",
        remedy: homeless.contains { $0.hasPrefix("mtp.") }
          ? "leave out those of multi-token prediction with --mtp drop" : nil)
    }
    return (kept, dropped)
  }
}
