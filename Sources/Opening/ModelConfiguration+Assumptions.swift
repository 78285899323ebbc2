import Canonical
import Diagnostics
import Layouts

extension ModelConfiguration {
  /// The same model, with what the user says of it where the files do not tell.
  /// - Throws: `Problem` of kind `invalid` where what is said does not fit.
  func assuming(_ assumptions: [Assumption]) throws -> ModelConfiguration {
    try assumptions.reduce(self) { model, assumption in
      guard case .indexBlock(let size) = assumption else { return model }
      return try model.withIndexBlock(size)
    }
  }

  /// The layers that have an indexer and no size of its blocks, so that queries see all before them.
  package var layersWithoutBlocks: [Int] {
    layers.indices.filter { index in
      guard case .attention(let attention) = layers[index].mixer else { return false }
      return attention.indexHeads > 0 && !attention.choosesBlocks
    }
  }

  private func withIndexBlock(_ size: Int) throws -> ModelConfiguration {
    var model = self
    for index in layersWithoutBlocks {
      guard case .attention(var attention) = layers[index].mixer else { continue }
      guard attention.indexBudget > 0, attention.indexBudget % size == 0 else {
        throw Problem(
          .invalid, "the size of blocks that is assumed does not fit the model", layer: index,
          expected: "a divisor of attention.index_budget \(attention.indexBudget)",
          found: "\(size)", remedy: "give another --assume index-block=N")
      }
      attention.indexBlock = size
      model.layers[index].mixer = .attention(attention)
    }
    return model
  }
}
