import Canonical

/// Which rows of the table the n-grams that end at a token choose.
struct NgramHash: Sendable {
  private let multipliers: [Int]
  private let sizes: [Int]
  private let offsets: [Int]
  private let headsPerOrder: Int
  let separator: Int

  init(_ configuration: NgramEmbedding) {
    (multipliers, sizes) = (configuration.multipliers, configuration.sizes)
    (offsets, headsPerOrder) = (configuration.offsets, configuration.headsPerOrder)
    separator = configuration.separator ?? 0
  }

  /// The tokens before the newest one that an n-gram may hold.
  var context: Int { multipliers.count - 1 }

  /// Calls `body` with each head and its row.
  ///
  /// N-grams of one length share a hash, which takes one older token in than that of the length before. Behind a separator
  /// there are separators alone; the newest token may be one itself.
  /// - Parameter before: the tokens before it, the newest last.
  func forEachRow(
    _ token: Int, before: [Int], _ body: (_ head: Int, _ row: Int) throws -> Void
  ) rethrows {
    var mixed = token &* multipliers[0]
    var isOver = false
    for distance in 1...context {
      let older = before[before.count - distance]
      // Once the text has ended, going back, everything older reads as its end.
      isOver = isOver || older == separator
      mixed ^= (isOver ? separator : older) &* multipliers[distance]
      for place in 0..<headsPerOrder {
        let head = (distance - 1) * headsPerOrder + place
        let rest = mixed % sizes[head]
        try body(head, (rest < 0 ? rest + sizes[head] : rest) + offsets[head])
      }
    }
  }
}
