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
      plan = nil
      reasons = Self.reasons(problem.each, source, layout, options)
    }
  }

  /// Every reason, those among them that would be met once the first are out of the way.
  private static func reasons(
    _ first: [Problem], _ source: OpenedModel, _ layout: Layout, _ options: ConversionOptions
  ) -> [Problem] {
    guard source.layout.inspectOnly == nil, layout.inspectOnly == nil else { return first }
    var reasons = first
    func add(_ others: [Problem]) {
      reasons += others.filter { other in !reasons.contains { $0.isAlike(other) } }
    }
    // Without what has no place, and then with all weights as plain numbers.
    var other = options
    other.dropsMTP = true
    other.allowed = Set(StrayTensor.allCases)
    add(refusals(source, layout, other))
    add(source.scalesWithoutPlace(in: layout, options))
    if options.cast == nil, options.quantisation == nil {
      other.cast = .f32
      add(refusals(source, layout, other))
    }
    return reasons
  }

  private static func refusals(
    _ source: OpenedModel, _ layout: Layout, _ options: ConversionOptions
  ) -> [Problem] {
    do {
      _ = try CheckpointPlan(converting: source, to: layout, options: options)
      return []
    } catch { return error.asProblems }
  }
}

extension Problem {
  /// Whether another problem is the same, of the same tensors or of others.
  fileprivate func isAlike(_ other: Problem) -> Bool { what == other.what && found == other.found }
}

extension OpenedModel {
  /// That scales of quantised weights have no place in a layout, where they would have to go there.
  fileprivate func scalesWithoutPlace(in layout: Layout, _ options: ConversionOptions) -> [Problem]
  {
    guard options.cast == nil, options.quantisation == nil, layout.scales == nil else { return [] }
    let scaled = canonical.tensors.values.filter { $0.scales != nil }
    guard let scales = scaled.first?.scales else { return [] }
    return [
      TensorMove.scalesLost(NameFolding.summary(Set(scaled.map(\.origin)).sorted()), scales)
    ]
  }
}
