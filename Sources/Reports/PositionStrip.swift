/// How far two models agree along a text: the divergence as columns, the first choice as a strip below.
public struct PositionStrip {
  /// What is known of one position.
  public typealias Point = (divergence: Double, agrees: Bool)

  /// Some neighbouring positions that share a column.
  private struct Column {
    let label: String
    let worst: Double
    let mean: Double
    let disagreements: Int
    let count: Int
  }

  private let title: String
  private let columns: [Column]
  private let limit: Double?

  /// The most columns; more positions share them.
  private static let most = 256

  /// A strip of consecutive positions.
  /// - Parameter limit: the largest divergence allowed.
  public init(_ title: String, _ points: [Point], limit: Double?) {
    self.title = title
    self.limit = limit
    let length = max((points.count + Self.most - 1) / Self.most, 1)
    columns = stride(from: 0, to: points.count, by: length).map { start in
      let range = start..<min(start + length, points.count)
      let values = points[range].map(\.divergence)
      return Column(
        label: range.count == 1 ? "\(start)" : "\(start)–\(range.upperBound - 1)",
        worst: values.first { $0.isNaN } ?? values.max() ?? 0,
        mean: values.reduce(0, +) / Double(values.count),
        disagreements: points[range].count { !$0.agrees }, count: range.count)
    }
  }

  /// The figure and its table.
  public var markup: Markup {
    let axis = Axis(columns.map(\.worst) + (limit.map { [$0] } ?? []), .logarithmic)
    let limits = limit.map { [Plot.line("limit", at: axis.share($0), from: 0, to: 1)] } ?? []
    let strip = Self.choice((0, 0.5, 1), "agree", share: 1, "the same first choice")
    let shapes =
      columns.enumerated().map { bar($0, $1, axis) } + limits + [strip]
      + columns.enumerated().compactMap(choice)
    let labels = Plot.labels(
      columns.map { String($0.label.prefix { $0 != "–" }) }, below: Self.room)
    let plot = Markup.plot(axis, shapes + labels, extra: Self.room)
    return Figure(title, about, [plot, legend], table).markup
  }

  /// The height of the strip with the room around it.
  private static let room = 22.0

  private var about: String {
    let shared = columns.contains { $0.count > 1 } ? ", the largest of neighbours" : ""
    let wrong = columns.reduce(0) { $0 + $1.disagreements }
    let count = columns.reduce(0) { $0 + $1.count }
    return "KL divergence in nats by position\(shared); "
      + "the first choice differs at \(Quantity.count(wrong)) of \(Quantity.of(count, "position"))"
      + (limit == nil ? "" : "; dashed: the limit")
  }

  private func bar(_ index: Int, _ column: Column, _ axis: Axis) -> Markup {
    Plot.rectangle(
      Plot.column(index, of: columns.count), share: axis.share(column.worst),
      column.worst.isFinite ? "bar" : "invalid",
      "position \(column.label): KL \(Quantity.significant(column.worst))")
  }

  private func choice(_ index: Int, _ column: Column) -> Markup? {
    guard column.disagreements > 0 else { return nil }
    let share = Double(column.disagreements) / Double(column.count)
    let how =
      column.count == 1 ? "differs" : "differs at \(column.disagreements) of \(column.count)"
    return Self.choice(
      Plot.column(index, of: columns.count), "disagree", share: share,
      "position \(column.label): the first choice \(how)")
  }

  /// A piece of the strip; the fewer of its positions it speaks of, the paler.
  private static func choice(
    _ place: Plot.Column, _ kind: String, share: Double, _ tip: String
  ) -> Markup {
    Markup(
      "rect",
      [
        "class": kind, "x": Plot.percent(place.start),
        "width": Plot.percent(place.end - place.start),
        "y": Plot.number(Plot.top + Plot.height + 6), "height": "14",
        "fill-opacity": Plot.number(0.45 + 0.55 * share),
      ], [Markup("title", tip)])
  }

  private var legend: Markup {
    let paler = columns.contains { $0.count > 1 } ? ", paler where fewer differ" : ""
    let kinds = [("agree", "same first choice"), ("disagree", "another first choice\(paler)")]
    return Markup(
      "ul", ["class": "legend"],
      kinds.map { kind, text in Markup("li", [Markup("i", ["class": kind], ""), Markup(text)]) })
  }

  private var table: Markup {
    var table = DataTable(
      title,
      [
        ("positions", .text), ("largest KL", .number), ("mean KL", .number),
        ("other first choice", .number),
      ])
    for column in columns {
      table.add([
        column.label, Quantity.significant(column.worst), Quantity.significant(column.mean),
        "\(column.disagreements)",
      ])
    }
    return table.markup
  }
}
