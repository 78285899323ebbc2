import Canonical
import JSON
import Tensors

extension Layout {
  /// The same model with the widths that its tensors have, where readers of a config differ in what it says of
  /// them and one of their readings is that of every tensor.
  /// - Throws: `Problem` of kind `invalid` where a width fits nothing else.
  public func measured(
    _ configuration: ModelConfiguration, _ config: JSONValue, _ binding: LayoutBinding,
    in stored: StoredHeaders
  ) throws -> ModelConfiguration {
    guard let object = keys(of: config) else { return configuration }
    return try self.config.entries.reduce(configuration) { model, entry in
      guard let rule = entry.rule as? WidthRule else { return model }
      let holders = binding.holders(of: rule.role)
      let rows = Set(holders.map { stored[$0.name]?.shape.first })
      guard rows.count == 1, case .some(.some(let width)) = rows.first,
        holders.contains(where: { $0.shape.first != width }),
        rule.widths(in: object).contains(width)
      else { return model }
      return try model.replacing([rule.fact: .integer(width)])
    }
  }
}
