import Diagnostics
import Layouts
import Opening

extension OpenedModel {
  /// The layout that a word means for this model: its id, or a library such as `mlx` or `gguf`, which has a
  /// layout of the same family, or only one that holds the model.
  /// - Throws: `Problem` of kind `usage` where a library leaves a choice, saying what to type; of kind
  ///   `unsupported` where it has no layout for the model.
  /// - Cost: for a library without such a name a plan for each of its layouts, from headers.
  public func layoutID(
    meantBy word: String, options: ConversionOptions, in catalogue: LayoutCatalogue
  ) throws -> String {
    let library = word.lowercased()
    guard catalogue.libraries.contains(library), !catalogue.ids.contains(word) else { return word }
    let known = catalogue.ids(of: library)
    if known.contains(layout.id) { return layout.id }
    if let id = catalogue.counterpart(of: layout.id, in: library) { return id }
    let fitting = known.filter { holds($0, options, catalogue) }
    if fitting.count == 1 { return fitting[0] }
    guard !fitting.isEmpty else {
      throw Problem(
        .unsupported, "no layout of this library holds the model",
        expected: known.joined(separator: ", "), found: word,
        remedy: "graft convert SRC --explain says why, layout by layout")
    }
    throw Problem(
      .usage, "the library has several layouts for this model",
      expected: fitting.joined(separator: ", "), found: word,
      remedy: "name one of them, such as --to \(fitting[0])")
  }

  /// Whether a layout holds the model, where everything that can be allowed is.
  private func holds(
    _ id: String, _ options: ConversionOptions, _ catalogue: LayoutCatalogue
  ) -> Bool {
    var options = options
    (options.dropsMTP, options.allowed) = (true, StrayTensor.extra)
    (options.allowsLoss, options.allowsEpsilons) = (true, true)
    let explanation = try? ConversionExplanation(
      self, to: target(id, cast: options.cast, quantising: options.quantisation, in: catalogue),
      options: options)
    return explanation?.reasons.isEmpty ?? false
  }
}
