import Comparison
import Diagnostics
import Layouts
import Opening

/// Whether and why a checkpoint can be converted to a layout, decided from headers alone.
public struct ConversionExplanation: Sendable {
  /// The id of the layout.
  public let layout: String
  /// The facts that decide what the model computes, here and there.
  public let facts: [LayoutComparison.Row]
  /// Every reason against; empty where the conversion is exact.
  public let reasons: [Problem]
  /// What would be written, where nothing speaks against it.
  public let plan: CheckpointPlan?

  /// Compares without writing anything.
  public init(_ source: OpenedModel, to layout: Layout, options: ConversionOptions) throws {
    self.layout = layout.id
    let isUnderstood = source.layout.inspectOnly == nil && layout.inspectOnly == nil
    facts =
      isUnderstood
      ? try WrittenConfig(
        source.configuration, of: source, in: layout, ModelHistory(of: source.checkpoint),
        allowing: options.allowedFacts
      ).comparison.rows : []
    do {
      plan = try CheckpointPlan(converting: source, to: layout, options: options)
      reasons = []
    } catch let problem as Problem {
      (plan, reasons) = (nil, problem.each)
    }
  }
}
