import Canonical
import JSON

extension Layout {
  /// The options of a trainer with what they leave open filled in from another description of the model.
  ///
  /// What computes nothing, such as the number of positions, is taken from that description.
  /// - Parameters:
  ///   - options: what the trainer says.
  ///   - configuration: what the other description says.
  ///   - predictions: how many layers of multi-token prediction it counts.
  public func completed(
    _ options: JSONValue, from configuration: ModelConfiguration, predictions: Int
  ) -> JSONValue {
    config.completed(options, from: configuration, predictions: predictions)
  }
}

extension ConfigTable {
  /// Facts of which a trainer says something else than its model.
  private static let open: Set<String> = ["positions", "init.range"]

  fileprivate func completed(
    _ options: JSONValue, from configuration: ModelConfiguration, predictions: Int
  ) -> JSONValue {
    guard case .object(var object) = options,
      case .object(let derived) = written(configuration)
    else { return options }
    for entry in entries {
      let isOpen = entry.rule.statedFact.map(Self.open.contains) ?? false
      guard isOpen || entry.place.given(in: object) == nil,
        let value = derived.value(at: entry.key)
      else { continue }
      entry.place.put(value, into: &object)
    }
    if let key = predictionKey, object[key]?.int ?? 0 == 0 { object[key] = JSONValue(predictions) }
    return .object(object)
  }
}
