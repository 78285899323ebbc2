import Diagnostics
import Layouts
import Opening

extension QuantisationKind {
  /// Which tensors the library of the kind quantises, and how.
  /// - Parameter options: say how many values share a scale, and whether it is known how much they matter.
  /// - Throws: `Problem` of kind `unsupported` where the layout cannot hold the kind, or the source is
  ///   quantised already.
  func policy(for source: OpenedModel, to layout: Layout, _ options: ConversionOptions) throws
    -> any QuantisationPolicy
  {
    guard holder.includes(layout), let policy = try own(for: source, to: layout, options)
    else {
      throw Problem(
        .unsupported, "layout \(layout.id) cannot hold this kind of quantised weights",
        expected: holder.rawValue, found: rawValue, remedy: "choose such a layout with --to")
    }
    try refusePacked(source)
    return policy
  }

  private func own(for source: OpenedModel, to layout: Layout, _ options: ConversionOptions) throws
    -> (any QuantisationPolicy)?
  {
    let knowsImportances = options.importances != nil
    if let blocks = BlockPolicy(self, knowsImportances: knowsImportances) { return blocks }
    if self == .fp8Block { return layout.scales.map { FP8Policy(key: $0.key) } }
    return try mlxForm(group: options.groupSize).map {
      MLXPolicy($0, mixture: mixture, for: source)
    }
  }

  /// Rounding twice would lose more than the kind says.
  private func refusePacked(_ source: OpenedModel) throws {
    let packed = source.checkpoint.tensors.first { $0.packed != nil || $0.type.isBlock }
    guard let name = packed?.name ?? source.binding.allScaled.min() else { return }
    throw Problem(
      .unsupported, "weights that are quantised already are not quantised again", tensor: name,
      expected: "weights in F32, BF16 or F16",
      found: packed?.packed?.scheme.text ?? packed?.type.rawValue ?? "weights with scales",
      remedy: "quantise the checkpoint it was made from, or dequantise it with --dtype f32 first")
  }
}
