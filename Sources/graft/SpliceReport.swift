import Diagnostics
import JSON
import SystemPackage

/// A page that shows where a new layer differs from the old one: by position and by head.
struct SpliceReport {
  /// One replaced layer.
  struct Layer {
    let index: Int
    /// Relative error of the output by position, with the first position of each bar.
    let positions: [(first: Int, error: Double)]
    /// Relative error of the output without each head; nil where heads are not told apart.
    let heads: [Double]?
    /// The relative error of the whole output.
    let error: Double
  }

  let title: String
  let lines: [String]
  let layers: [Layer]

  /// The page; it needs nothing but itself.
  var html: String {
    let charts = layers.map { layer in
      let positions = Self.chart(
        "layer \(layer.index): relative error of the output by position",
        layer.positions.map { ("\($0.first)", $0.error) }, line: layer.error)
      let heads = layer.heads.map { heads in
        Self.chart(
          "layer \(layer.index): relative error of the output without one head",
          heads.enumerated().map { ("\($0.offset)", $0.element) }, line: layer.error)
      }
      return positions + (heads ?? "")
    }
    return """
      <!doctype html>
      <html lang="en"><meta charset="utf-8"><title>\(Self.escaped(title))</title>
      <style>body{font:15px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}
      pre{background:whitesmoke;padding:1em;overflow:auto}svg{width:100%;height:auto}</style>
      <h1>\(Self.escaped(title))</h1>
      <pre>\(Self.escaped(lines.joined(separator: "\n")))</pre>
      \(charts.joined(separator: "\n"))
      </html>

      """
  }

  private static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
  }

  /// Bars with a dashed line at a value.
  private static func chart(_ title: String, _ bars: [(label: String, value: Double)], line: Double)
    -> String
  {
    let finite = bars.map(\.value).filter(\.isFinite)
    let top = max(finite.max() ?? 1, line, 1e-9) * 1.1
    let width = 760.0 / Double(max(bars.count, 1))
    func y(_ value: Double) -> Double { 200 * (1 - min(value, top) / top) + 10 }
    let step = max(bars.count / 16, 1)
    let shapes = bars.enumerated().map { index, bar in
      let x = 60 + Double(index) * width
      let height = bar.value.isFinite ? 210 - y(bar.value) : 0
      let label =
        index % step == 0
        ? #"<text x="\#(rounded(x))" y="226" font-size="11">\#(bar.label)</text>"# : ""
      return
        #"<rect x="\#(rounded(x))" y="\#(rounded(210 - height))" width="\#(rounded(width * 0.85))" "#
        + #"height="\#(rounded(height))" fill="steelblue"><title>\#(bar.label): "#
        + "\(Quantity.significant(bar.value))</title></rect>\(label)"
    }
    let mark = rounded(y(line))
    return """
      <h2>\(escaped(title))</h2>
      <svg viewBox="0 0 830 235" role="img" aria-label="\(escaped(title))">
      \(shapes.joined(separator: "\n"))
      <line x1="60" x2="820" y1="\(mark)" y2="\(mark)" stroke="firebrick" stroke-dasharray="5 4"/>
      <text x="2" y="\(mark)" font-size="11" fill="firebrick">\(Quantity.significant(line))</text>
      <text x="2" y="14" font-size="11">\(Quantity.significant(top))</text>
      <line x1="60" x2="820" y1="210" y2="210" stroke="black"/>
      </svg>
      """
  }

  private static func rounded(_ x: Double) -> String { "\((x * 10).rounded() / 10)" }
}
