import Canonical

/// Which expert of another model corresponds to each expert of this one, found by comparing the rows of
/// both routers.
struct ExpertOrder: Sendable {
  private let places: [Int]

  /// The index in the other model of each expert of this one.
  subscript(expert: Int) -> Int { places[expert] }

  /// Matches every row with one that is the same up to rounding, that of its own index first.
  /// - Returns: nil where a row has none, so that the routers choose among other experts.
  /// - Cost: `E² · H` where the order is another one.
  init?(_ here: CanonicalTensor, _ there: CanonicalTensor) throws {
    guard here.shape == there.shape, here.shape.count == 2, here.isComputable, there.isComputable
    else { return nil }
    let width = here.shape[1]
    let (mine, theirs) = (try here.floats(), try there.floats())
    func gap(_ a: Int, _ b: Int) -> Double {
      var (errors, squares) = (0.0, 0.0)
      for column in 0..<width {
        let (x, y) = (Double(mine[a * width + column]), Double(theirs[b * width + column]))
        errors += (x - y) * (x - y)
        squares += x * x
      }
      return errors == 0 ? 0 : errors / squares
    }
    var places: [Int?] = (0..<here.shape[0]).map { gap($0, $0) <= Self.same ? $0 : nil }
    var left = places.indices.filter { places[$0] == nil }
    for expert in places.indices where places[expert] == nil {
      guard let nearest = left.min(by: { gap(expert, $0) < gap(expert, $1) }),
        gap(expert, nearest) <= Self.same
      else { return nil }
      places[expert] = nearest
      left.removeAll { $0 == nearest }
    }
    self.places = places.compactMap(\.self)
  }

  /// The relative difference that rounding to BF16 can make, with a margin.
  private static let same = 1e-4
}
