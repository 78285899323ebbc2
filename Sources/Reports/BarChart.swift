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
  private let unit: String
  private let spread: Axis.Spread
  private var line: Double?

  /// A chart from its parts.
  /// - Parameters:
  ///   - unit: what the bars are labelled by, such as "layer".
  ///   - isLogarithmic: whether each power of ten takes the same height.
  public init(
    _ title: String, _ about: String, unit: String, _ bars: [Bar], isLogarithmic: Bool = false
  ) {
    (self.title, self.about, self.unit, self.bars) = (title, about, unit, bars)
    spread = isLogarithmic ? .logarithmic : .linear
  }

  /// The same chart with a line at a value.
  public func lined(at value: Double) -> BarChart {
    var chart = self
    chart.line = value
    return chart
  }

  /// The figure and its table.
  public var markup: Markup {
    let axis = Axis(
      bars.map(\.value) + bars.compactMap(\.limit) + (line.map { [$0] } ?? []), spread)
    return Figure(title, about, [.plot(axis, drawn(axis))], table.markup).markup
  }

  private func drawn(_ axis: Axis) -> [Markup] {
    bars.enumerated().map { bar($0, $1, axis) }
      + bars.enumerated().compactMap { limit($0, $1, axis) } + lines(axis)
      + Plot.labels(
        bars.map(\.label))
  }

  private func bar(_ index: Int, _ bar: Bar, _ axis: Axis) -> Markup {
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

  private func limit(_ index: Int, _ bar: Bar, _ axis: Axis) -> Markup? {
    bar.limit.map { limit in
      let place = Plot.column(index, of: bars.count)
      return Plot.line("limit", at: axis.share(limit), from: place.start, to: place.end)
    }
  }

  private func lines(_ axis: Axis) -> [Markup] {
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
