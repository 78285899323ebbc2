extension ModelConfiguration {
  /// The same model with other values of facts in every layer where they decide something.
  /// - Throws: `Problem` of kind `invalid` where the value does not fit the others.
  public func replacing(_ facts: Facts) throws -> ModelConfiguration {
    let changed = layers.map { layer in
      let meaning = layer.meaning(in: surroundings)
      return layer.values.merging(facts.filter { meaning[$0.key] != nil }) { $1 }
    }
    return try ModelConfiguration(model: values.merging(sizeFacts) { $1 }, layers: changed)
  }
}
