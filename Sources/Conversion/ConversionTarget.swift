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
    let form = Self.form(of: layout, for: source)
    func edited(_ config: JSONValue) -> JSONValue {
      form.editedConfig(config, type: options.cast, dropsMTP: options.dropsMTP)
    }
    if layout.id == source.layout.id {
      model = source.canonical
      binding = try LayoutBinding(form, source.configuration)
      config = source.configBytes(edited(source.config))
      return
    }
    let written = try form.writtenConfig(
      source.configuration, keeping: source.config, of: source.layout)
    let comparison = LayoutComparison(source.configuration, isSaidBy: written, in: form)
    let kept = source.carried.filter { !options.drops($0) }
    let there = try comparison.reading(orRefusingWith: { try Self.homeless(kept, form, $0) })
    model = source.canonical.withNorms(zeroCentred: there.normIsZeroCentred)
    binding = try LayoutBinding(form, there)
    config = Array((edited(written).text(indent: 2) + "\n").utf8)
    try checkRoles()
  }

  /// The form of a layout in which a model is written.
  private static func form(of layout: Layout, for source: OpenedModel) -> Layout {
    layout.id == source.layout.id && source.layout.variant.isWritten ? source.layout : layout
  }

  /// What a layout would say of a model.
  static func comparison(_ source: OpenedModel, _ layout: Layout) throws -> LayoutComparison {
    let form = form(of: layout, for: source)
    let config =
      layout.id == source.layout.id
      ? source.config
      : try form.writtenConfig(source.configuration, keeping: source.config, of: source.layout)
    return LayoutComparison(source.configuration, isSaidBy: config, in: form)
  }

  /// Every canonical tensor must have a place.
  private func checkRoles() throws {
    let places = Set(binding.tensors.flatMap { $0.parts.map(\.role) })
    let homeless = model.tensors.keys.filter { !places.contains($0) }
    try ProblemList.throwIfAny(
      Set(homeless.map(\.name)).sorted().map { name in
        Problem(.unsupported, "layout \(binding.layout.id) has no place for \(name)")
      })
  }

  /// Carried tensors for which a layout has no place.
  private static func homeless(
    _ carried: [StoredTensor], _ layout: Layout, _ configuration: ModelConfiguration
  ) throws -> [Problem] {
    let binding = try LayoutBinding(layout, configuration)
    let names = carried.map(\.name).filter { binding.carrier(of: $0) == nil }
    guard !names.isEmpty else { return [] }
    return [
      Problem(
        .unsupported, "layout \(layout.id) has no place for some tensors",
        tensor: NameFolding.fold(names).prefix(3).joined(separator: ", "),
        found: "\(names.count) tensors",
        remedy: names.contains { $0.hasPrefix("mtp.") }
          ? "leave out those of multi-token prediction with --mtp drop" : nil)
    ]
  }
}
