import Canonical
import Opening
import Reports

extension ModelSummary {
  /// The page of `inspect`: what the checkpoint is, its layers, its tensors.
  func page(_ tensors: TensorSection, _ findings: [Page.Section]) -> Page {
    let isPlain =
      model.findings.isEmpty && findings.isEmpty && signs.allSatisfy { $0.remedy == nil }
    let verdict = Page.Verdict(
      isPlain ? .good : .plain, model.layout.id,
      "names, shapes and config agree" + (isPlain ? "" : "; there are findings"))
    let about = Page.Section("Model", [.list(head.map { ($0.label, $0.text) } + notes)])
    return Page(
      model.checkpoint.directory.string, verdict,
      [about] + findings + [layerSection(marking: nil), tensors.section])
  }

  private var notes: [(label: String, text: String)] {
    lines("quantised", quantisationLines) + lines("stored", form.map { "\($0.name): \($0.text)" })
      + lines("values", signs.map(\.line))
      + lines("findings", model.findings.map(\.claim)) + lines("beside", beside.lines)
      + lines("unknown", unknownKeys.map { "key \($0), which Graft does not know" })
      + lines("blocks", blockLines)
  }

  private func lines(_ label: String, _ texts: [String]) -> [(label: String, text: String)] {
    texts.enumerated().map { ($0 == 0 ? label : "", $1) }
  }

  /// The layers: the map, what each costs, and the same as a table.
  /// - Parameter marked: the layer to look at.
  func layerSection(marking marked: Int?) -> Page.Section {
    let layers = configuration.layers.enumerated().map { ($0, $1.mixer) }
    let map = LayerMap(
      layers.map { index, mixer in
        LayerMap.Cell(
          mixer.mark, kind: mixer.kind, tip: "layer \(index): \(mixer.kind)",
          isMarked: index == marked)
      })
    var list = DataTable(
      "What the layers cost", tableHeader.enumerated().map { ($1, $0 < 4 ? .text : .number) })
    for (index, row) in tableRows.enumerated() { list.add(row, isMarked: index == marked) }
    return Page.Section("Layers", [map.markup] + charts + [list.markup])
  }

  private var charts: [Markup] {
    let state = bars { $0.cost?.stateValues }
    let flops = bars { layer in
      layer.cost.map { $0.flopsPerToken + layer.mlp.flopsPerToken }
    }
    return [
      chart("Parameters by layer", "as stored, mixer and MLP together", bars { $0.parameters }),
      chart(
        "Recurrent state by layer",
        "values a sequence carries whatever its length; the cache of attention grows instead", state
      ),
      chart("FLOPs per token by layer", "mixer and MLP, attention scores left out", flops),
    ]
  }

  private typealias LayerFacts = (parameters: Int, cost: LayerCost?, mlp: LayerCost)

  private func bars(_ value: (LayerFacts) -> Int?) -> [BarChart.Bar] {
    configuration.layers.enumerated().map { index, layer in
      let facts: LayerFacts = (
        layerParameters[index], layer.mixer.cost(hidden: configuration.hidden),
        layer.feedForward.cost(hidden: configuration.hidden)
      )
      return BarChart.Bar(
        "\(index)", Double(value(facts) ?? 0), kind: LayerColour.name(layer.mixer.kind))
    }
  }

  private func chart(_ title: String, _ about: String, _ bars: [BarChart.Bar]) -> Markup {
    BarChart(title, about, unit: "layer", bars).markup
  }
}
