/// Bars side by side with a scale, lines for limits, and the same as a table.
public struct BarChart {
  /// One bar.
  public struct Bar {
    let label: String
    let value: Double
    let limit: Double?
    let kind: String
    let isMarked: Bool

    /// A bar from its parts.
    /// - Parameters:
    ///   - limit: what the value should not exceed.
    ///   - kind: what gives the colour, as `Legend` names it.
    ///   - isMarked: whether the bar is the one to look at.
    public init(
      _ label: String, _ value: Double, limit: Double? = nil, kind: String = "bar",
      isMarked: Bool = false
    ) {
      (self.label, self.value, self.limit) = (label, value, limit)
      (self.kind, self.isMarked) = (kind, isMarked)
    }
  }

  private let title: String
  private let about: String
  private let bars: [Bar]
  private let line: Double?
  private let unit: String
  private let axis: Axis

  /// A chart from its parts.
  /// - Parameters:
  ///   - unit: what the bars are labelled by, such as "layer".
  ///   - line: a value to draw a line at.
  ///   - isLogarithmic: whether each power of ten takes the same height.
  public init(
    _ title: String, _ about: String, unit: String, _ bars: [Bar], line: Double? = nil,
    isLogarithmic: Bool = false
  ) {
    (self.title, self.about, self.unit) = (title, about, unit)
    (self.bars, self.line) = (bars, line)
    axis = Axis(
      bars.map(\.value) + bars.compactMap(\.limit) + (line.map { [$0] } ?? []),
      isLogarithmic ? .logarithmic : .linear)
  }

  /// The figure and its table.
  public var markup: Markup {
    Figure(title, about, [.plot(axis, drawn)], table.markup).markup
  }

  private var drawn: [Markup] {
    bars.enumerated().map(bar) + bars.enumerated().compactMap(limit) + lines
      + Plot.labels(
        bars.map(\.label))
  }

  private func bar(_ index: Int, _ bar: Bar) -> Markup {
    let place = Plot.column(index, of: bars.count)
    let kind = bar.value.isFinite ? bar.kind : "invalid"
    let shape = Plot.rectangle(place, share: axis.share(bar.value), kind, tip(bar))
    guard bar.isMarked else { return shape }
    let isLeft = index < bars.count / 2
    let note = Markup(
      "text",
      [
        "class": "note", "x": Plot.percent(place.middle), "y": "10",
        "text-anchor": isLeft ? "start" : "end",
      ], isLeft ? "▾ \(unit) \(bar.label)" : "\(unit) \(bar.label) ▾")
    return Markup("g", [shape, note])
  }

  private func limit(_ index: Int, _ bar: Bar) -> Markup? {
    bar.limit.map { limit in
      let place = Plot.column(index, of: bars.count)
      return Plot.line("limit", at: axis.share(limit), from: place.start, to: place.end)
    }
  }

  private var lines: [Markup] {
    line.map { [Plot.line("limit", at: axis.share($0), from: 0, to: 1)] } ?? []
  }

  private func tip(_ bar: Bar) -> String {
    "\(unit) \(bar.label): \(Quantity.significant(bar.value))"
      + (bar.limit.map { ", limit \(Quantity.significant($0))" } ?? "")
  }

  private var table: DataTable {
    let hasLimits = bars.contains { $0.limit != nil }
    var table = DataTable(
      title, [(unit, .text), ("value", .number)] + (hasLimits ? [("limit", .number)] : []))
    for bar in bars {
      let limit = bar.limit.map { Quantity.significant($0) } ?? ""
      table.add(
        [bar.label, Quantity.significant(bar.value)] + (hasLimits ? [limit] : []),
        isMarked: bar.isMarked)
    }
    return table
  }
}
