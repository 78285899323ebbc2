import Canonical
import JSON

extension LayoutCatalogue {
  /// What a config says of a model whose tensors are named by another layout.
  /// - Returns: the configuration and the number of layers of multi-token prediction; nil where no layout
  ///   names the model as the config does.
  /// - Throws: `Problem` where the layout that does cannot read it.
  public func description(by config: JSONValue) throws -> (
    configuration: ModelConfiguration, predictions: Int
  )? {
    guard let type = config["model_type"]?.string else { return nil }
    let layouts = try outlines.filter { outline in
      outline.detection.config.contains {
        $0.key == "model_type" && $0.values.contains(.string(type))
      }
    }.map { try $0.layout() }.filter { !$0.isOfTrainer && $0.config.typeKeys.contains("dtype") }
    let own = layouts.first { $0.id == type } ?? layouts.first { type.hasPrefix($0.id) }
    guard let layout = own ?? layouts.first else { return nil }
    return (
      try layout.configuration(from: config), layout.predictionLayers(claimedBy: config) ?? 0
    )
  }
}
