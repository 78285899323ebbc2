import Canonical
import Diagnostics
import Layouts

extension ModelConfiguration {
  /// The same model, with what the user says of it where the files do not tell.
  /// - Throws: `Problem` of kind `invalid` where what is said does not fit.
  package func assuming(_ assumptions: [Assumption], in layout: Layout) throws -> ModelConfiguration
  {
    let told = try withLostFacts(assumptions, in: layout)
    return try assumptions.reduce(told) { model, assumption in
      guard case .indexBlock(let size) = assumption else { return model }
      return try model.withIndexBlock(size)
    }
  }

  /// Facts that converters into the layout lose are believed; of others its files tell.
  private func withLostFacts(_ assumptions: [Assumption], in layout: Layout) throws
    -> ModelConfiguration
  {
    var facts: Facts = [:]
    for case .lostFact(let name, let value) in assumptions {
      guard layout.lostFacts.contains(name) else {
        throw Problem(
          .usage, "the files tell what is assumed", expected: "no --assume \(name)",
          found: "\(name)=\(value.text)", remedy: "correct the config where it is wrong")
      }
      facts[name] = value
    }
    return facts.isEmpty ? self : try replacing(facts)
  }

  /// The layers that have an indexer and no size of its blocks, so that queries see all before them.
  package var layersWithoutBlocks: [Int] {
    layers.indices.filter { index in
      guard case .attention(let attention) = layers[index].mixer else { return false }
      return attention.indexHeads > 0 && !attention.choosesBlocks
    }
  }

  /// Refuses an indexer without a size of its blocks.
  /// - Throws: `Problem` of kind `invalid`.
  package func checkBlocks(remedy: String) throws {
    guard let layer = layersWithoutBlocks.first else { return }
    throw Problem(
      .invalid, "an indexer has no size of its blocks", layer: layer,
      expected: "attention.index_block of one position at least", found: "0",
      remedy: remedy + ", or give the size with --assume index-block=N")
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
