import Canonical
import Tensors

extension LayoutBinding {
  /// The stored tensors that hold one role alone.
  func holders(of role: String) -> [BoundTensor] {
    tensors.filter { $0.parts.count == 1 && $0.parts[0].role.name == role }
  }

  /// The number of tokens for which embedding and head have rows, where it is not what the config says:
  /// trainers pad a vocabulary and exporters cut it without a word in the config.
  ///
  /// Nil if the config is right, if embedding and head disagree, if the difference is too large for
  /// padding, and for files whose metadata list the tokens.
  public func storedVocabulary(in stored: StoredHeaders) -> Int? {
    let holders = holders(of: "embedding") + holders(of: "head")
    guard layout.container == nil, !layout.isOfTrainer, let expected = holders.first?.shape,
      expected.count == 2,
      holders.allSatisfy({ $0.shape == expected })
    else { return nil }
    let shapes = Set(holders.map { stored[$0.name]?.shape })
    guard shapes.count == 1, let shape = shapes.first ?? nil, shape.count == 2, shape[0] > 0,
      shape[0] != expected[0], shape[1] == expected[1],
      case let fewer = min(shape[0], expected[0]),
      max(shape[0], expected[0]) - fewer <= max(fewer, Self.mostPadding)
    else { return nil }
    return shape[0]
  }

  /// The most rows that padding adds to any vocabulary: 128 for each of the parallel parts of a large
  /// embedding.
  private static var mostPadding: Int { 16_384 }
}

extension Layout {
  /// The names of the stored tensors that have a row for each token.
  public var vocabularyHolders: [String] {
    let rules = tensors.filter { rule in
      rule.parts.count == 1 && rule.parts.allSatisfy { RoleTable.hasRowPerToken($0.role) }
    }
    return rules.map { $0.name.name() }
  }
}
