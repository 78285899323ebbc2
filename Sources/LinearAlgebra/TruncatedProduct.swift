/// The best approximation of a product `A B` by one of lower rank, as mixtures of the channels between
/// the two: `A B ≈ (A · output) (input · B)`.
public struct TruncatedProduct: Sendable {
  /// How the new channels mix the old ones where B writes them, `[rank, channels]`.
  public let input: Matrix
  /// How the new channels mix the old ones where A reads them, `[channels, rank]`.
  public let output: Matrix
  /// The share of the product, by squares, that the rank keeps.
  public let kept: Double

  /// Finds the mixtures by singular values.
  ///
  /// With `A = Q₁ R₁`, `Bᵀ = Q₂ R₂` and `R₁ R₂ᵀ = U Σ Vᵀ` the mixtures are `Σ^-½ Uᵀ R₁` and
  /// `R₂ᵀ V Σ^-½`, of which the largest singular values are taken (C. Eckart, G. Young, 1936). Of every
  /// pair of singular vectors the sign is chosen for which the strongest old channel enters its new one
  /// positively.
  /// - Shape: `a` `[m, channels]`, `b` `[channels, n]`.
  /// - Precondition: `rank` is at most the number of channels.
  public init(_ a: Matrix, _ b: Matrix, rank: Int) {
    let (r1, r2) = (TriangularFactor.of(a), TriangularFactor.of(b.transposed))
    let found = SingularValues(r1 * r2.transposed, rank: rank)
    var input = Matrix(rows: rank, filling: found.left * r1)
    var output = Matrix(rows: rank, filling: found.right * r2)
    for index in 0..<found.left.rows {
      let isNoise = found.values[index] <= Self.noise * found.values[0]
      let scale = isNoise ? 0 : Self.scale(found.values[index], input.row(index))
      for column in 0..<input.columns {
        input[index, column] *= scale
        output[index, column] *= scale
      }
    }
    self.input = input
    self.output = output.transposed
    let all = found.values.reduce(0) { $0 + $1 * $1 }
    kept = all > 0 ? found.values.prefix(rank).reduce(0) { $0 + $1 * $1 } / all : 1
  }

  /// The share of the largest singular value below which one is rounding.
  private static let noise = 1e-12

  private static func scale(_ value: Double, _ mixture: ArraySlice<Double>) -> Double {
    let strongest = mixture.max { abs($0) < abs($1) } ?? 0
    return (strongest < 0 ? -1 : 1) / value.squareRoot()
  }
}
