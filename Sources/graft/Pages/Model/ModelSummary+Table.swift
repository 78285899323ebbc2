import Canonical
import Layouts
import Opening
import Reports

extension ModelSummary {
  var table: TextTable {
    var table = TextTable(header: tableHeader, leading: 4)
    tableRows.forEach { table.add($0) }
    return table
  }

  var tableHeader: [String] {
    ["layer", "mixer", "heads", "mlp", "parameters", "state values", "state bytes", "FLOPs/token"]
  }

  /// What each layer is and costs.
  var tableRows: [[String]] {
    configuration.layers.enumerated().map { index, layer in
      let mixer = layer.mixer.cost(hidden: configuration.hidden)
      let mlp = layer.feedForward.cost(hidden: configuration.hidden)
      let flops = model.layout.inspectOnly == nil ? mixer?.flopsPerToken : nil
      let perPosition = mixer?.stateValuesPerPosition ?? 0
      let state = mixer.map {
        perPosition > 0 ? "\(perPosition)/position" : Quantity.count($0.stateValues)
      }
      let bytes = mixer.map {
        perPosition > 0 ? "\(4 * perPosition) B/position" : Quantity.bytes(4 * $0.stateValues)
      }
      return [
        "\(index)", layer.mixer.kind, layer.mixer.summary, layer.feedForward.summary,
        Quantity.count(layerParameters[index]), state ?? "-", bytes ?? "-",
        flops.map { Quantity.count($0 + mlp.flopsPerToken) } ?? "-",
      ]
    }
  }
}

extension FeedForward {
  fileprivate var summary: String {
    kind == .moe ? "moe \(expertsPerToken) of \(experts) × \(intermediate)" : "mlp \(intermediate)"
  }
}
