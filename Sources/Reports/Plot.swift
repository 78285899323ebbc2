/// Shapes of a plot, whose width is that of the window and whose height is fixed.
///
/// Sideways everything is in shares of the width, so that the letters keep their size on any window.
enum Plot {
  /// The height of the bars.
  /// - Units: pixels, as all upright lengths here.
  static let height = 170.0
  /// The room above the bars.
  static let top = 16.0
  /// The room below the bars for labels.
  static let bottom = 20.0

  /// Where a column begins, where its middle is and where it ends, in shares of the width.
  typealias Column = (start: Double, middle: Double, end: Double)

  /// The place of one of several columns.
  static func column(_ index: Int, of count: Int) -> Column {
    let width = 1 / Double(max(count, 1))
    let start = Double(index) * width
    let gap = count > 128 ? 0 : 0.12 * width
    return (start + gap / 2, start + width / 2, start + width - gap / 2)
  }

  /// A column that stands on the axis.
  static func rectangle(_ place: Column, share: Double, _ kind: String, _ tip: String) -> Markup {
    Markup(
      "rect",
      [
        "class": kind, "x": percent(place.start), "width": percent(place.end - place.start),
        "y": number(y(share)), "height": number(share * height),
      ], [Markup("title", tip)])
  }

  /// A line at some height.
  static func line(_ kind: String, at share: Double, from start: Double, to end: Double) -> Markup {
    Markup(
      "line",
      [
        "class": kind, "x1": percent(start), "x2": percent(end), "y1": number(y(share)),
        "y2": number(y(share)),
      ], "")
  }

  /// A few labels below columns, never so many that they touch on a telephone.
  static func labels(_ labels: [String], below offset: Double = 0) -> [Markup] {
    var step = 1
    while labels.count > 6 * step { step *= 2 }
    return labels.enumerated().filter { $0.offset % step == 0 }.map { index, label in
      Markup(
        "text",
        [
          "x": percent(column(index, of: labels.count).middle),
          "y": number(top + height + 14 + offset),
          "text-anchor": index == 0 && labels.count > 12 ? "start" : "middle",
        ], label)
    }
  }

  static func y(_ share: Double) -> Double { top + height * (1 - share) }

  static func percent(_ share: Double) -> String { number(share * 100) + "%" }

  /// A number with two places.
  static func number(_ value: Double) -> String { "\((value * 100).rounded() / 100)" }
}

extension Markup {
  /// A drawing with its scale at the left.
  /// - Parameter extra: room below the drawing for more of it.
  static func plot(_ axis: Axis, _ shapes: [Markup], extra: Double = 0) -> Markup {
    let height = Plot.number(Plot.top + Plot.height + Plot.bottom + extra)
    let scale = axis.ticks.map { tick in
      Markup(
        "text",
        ["x": "92%", "y": Plot.number(Plot.y(axis.share(tick)) + 4), "text-anchor": "end"],
        Axis.label(tick))
    }
    let grid = axis.ticks.map { Plot.line("grid", at: axis.share($0), from: 0, to: 1) }
    return Markup(
      "div", ["class": "plot"],
      [
        Markup("svg", ["height": height, "aria-hidden": "true"], scale),
        Markup(
          "svg", ["height": height, "aria-hidden": "true"],
          grid + shapes + [Plot.line("axis", at: 0, from: 0, to: 1)]),
      ])
  }
}

/// A drawing with a title, a description and a table that says the same.
struct Figure {
  let title: String
  let about: String
  let drawing: [Markup]
  let table: Markup

  init(_ title: String, _ about: String, _ drawing: [Markup], _ table: Markup) {
    (self.title, self.about, self.drawing, self.table) = (title, about, drawing, table)
  }

  var markup: Markup {
    let caption = Markup("figcaption", [Markup("\(title) "), Markup("span", about)])
    let image = Markup(
      "div", ["role": "img", "aria-label": "\(title). \(about)"], drawing)
    return Markup("figure", [caption, image, .details("The same as a table", [table])])
  }
}
