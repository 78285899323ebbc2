import Canonical
import Opening
import Threads

extension OpenedModel {
  /// The largest squared error of rounding to BF16, relative to the squared value: errors are spread evenly
  /// over ±2⁻⁸ of a power of two.
  private static let squaredRounding = 0x1p-16 / 3
  /// The largest relative difference between a value and its BF16, with a margin for values that another
  /// layout stores in another form.
  private static let largestRounding = 0x1.2p-8

  /// Whether another model is this one but for the rounding of weights to BF16.
  ///
  /// Both have the same facts and roles, no value differs by more than rounding to BF16 can explain, and
  /// neither does the mean square of all differences, which would show a common factor.
  /// - Throws: `Problem` of kind `io` where bytes cannot be read.
  /// - Cost: one pass over both; memory for two windows per thread.
  public func isRounding(of other: OpenedModel, threads: Int) throws -> Bool {
    guard configuration.disagreements(with: other.configuration).isEmpty else { return false }
    let (here, there) = (
      canonical.withNorms(zeroCentred: false).tensors,
      other.canonical.withNorms(zeroCentred: false).tensors
    )
    guard here.count == there.count,
      here.allSatisfy({ there[$0.key]?.shape == $0.value.shape })
    else { return false }
    let isCentred = configuration.normIsZeroCentred || other.configuration.normIsZeroCentred
    let gaps = try ThreadPool(threads: threads).map(
      here.sorted { $0.value.origin < $1.value.origin }
    ) { role, tensor -> ValueDifference? in
      try there[role].map {
        try ValueDifference(tensor, $0, floor: role.roundingFloor(zeroCentred: isCentred))
      }
    }.compactMap(\.self)
    let (errors, squares) = gaps.reduce((0.0, 0.0)) {
      ($0.0 + $1.squaredErrors, $0.1 + $1.squaredMagnitudes)
    }
    return gaps.allSatisfy { $0.gap.rounding <= Self.largestRounding }
      && errors <= Self.squaredRounding * squares
  }
}
