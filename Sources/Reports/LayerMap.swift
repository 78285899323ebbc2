/// The layers of a model as cells in the order in which they compute, each kind in its colour.
public struct LayerMap {
  /// One layer.
  public struct Cell {
    let mark: String
    let kind: String
    let tip: String
    let isMarked: Bool

    /// A layer from its parts.
    /// - Parameters:
    ///   - mark: the letter of its kind.
    ///   - kind: the name of its kind.
    ///   - tip: what is said where the pointer rests on it.
    ///   - isMarked: whether it is the one to look at.
    public init(_ mark: String, kind: String, tip: String, isMarked: Bool = false) {
      (self.mark, self.kind, self.tip, self.isMarked) = (mark, kind, tip, isMarked)
    }
  }

  private let cells: [Cell]

  /// A map of layers.
  public init(_ cells: [Cell]) { self.cells = cells }

  /// The map and what its colours mean.
  public var markup: Markup {
    let items = cells.enumerated().map { index, cell in
      Markup(
        "li",
        [
          "class": LayerColour.name(cell.kind) + (cell.isMarked ? " marked" : ""),
          "title": cell.tip,
        ],
        [Markup("b", cell.mark), Markup("small", "\(index)")])
    }
    return Markup(
      "div",
      [
        Markup("ol", ["class": "map", "aria-label": "Layers", "start": "0"], items),
        LayerColour.legend(cells.map { ($0.mark, $0.kind) }),
      ])
  }
}

/// The colours of kinds of layers.
public enum LayerColour {
  /// Kinds with a colour of their own; all others share one.
  private static let known: Set<String> = ["attention", "gdn", "m2rnn"]

  /// The class of a kind in the style.
  public static func name(_ kind: String) -> String { known.contains(kind) ? kind : "other" }

  /// What the colours mean, each kind once, with the number of its layers.
  public static func legend(_ layers: [(mark: String, kind: String)]) -> Markup {
    var order: [String] = []
    for layer in layers where !order.contains(layer.kind) { order.append(layer.kind) }
    let items = order.map { kind in
      let same = layers.filter { $0.kind == kind }
      return Markup(
        "li",
        [
          Markup("i", ["class": name(kind)], ""),
          Markup("\(same[0].mark) \(kind) × \(same.count)"),
        ])
    }
    return Markup("ul", ["class": "legend"], items)
  }
}
