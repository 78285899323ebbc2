import Canonical
import Opening
import Tensors

/// The squared errors of quantised values beside those that rounding to their levels makes, by stretches of
/// neighbours.
struct LevelErrors {
  /// The values of a stretch.
  private static let length = 256
  /// The values of a run: where all of one are the same on both sides, it is off by what its quantiser makes
  /// of a group without a range, which for some is anything.
  private static let run = 32

  private let spacing: PartStream
  private let buffer: OwnedBytes
  private var found: [Float] = []
  private var expected: [Float] = []

  /// The errors of a tensor; nil for one that is not quantised.
  /// - Parameter window: the most values that are added at a time, a multiple of the length of a stretch.
  init?(_ tensor: CanonicalTensor, window: Int) {
    guard tensor.isQuantised, let levels = tensor.spacing else { return nil }
    spacing = PartStream(reading: levels, asStored: false)
    buffer = OwnedBytes(count: window * 4)
  }

  /// Adds values of consecutive ranges.
  /// - Throws: `Problem` of kind `io` where scales cannot be read.
  mutating func add(
    _ values: UnsafePointer<Float>, _ others: UnsafePointer<Float>, _ range: Range<Int>
  ) throws {
    guard let place = buffer.mutableBytes.baseAddress else { return }
    _ = try spacing.fill(place, range)
    let levels = place.assumingMemoryBound(to: Float.self)
    for start in stride(from: 0, to: range.count, by: Self.length) {
      let end = min(start + Self.length, range.count)
      var (error, rounding) = (0.0, 0.0)
      for first in stride(from: start, to: end, by: Self.run) {
        let run = first..<min(first + Self.run, end)
        let isConstant = Self.isConstant(values, run) && Self.isConstant(others, run)
        for index in run {
          let gap = isConstant ? 0 : Double(values[index]) - Double(others[index])
          error += gap * gap
          rounding += Double(levels[index]) * Double(levels[index]) / 12
        }
      }
      found.append(Float(error))
      expected.append(Float(rounding))
    }
  }

  private static func isConstant(_ values: UnsafePointer<Float>, _ run: Range<Int>) -> Bool {
    run.allSatisfy { values[$0] == values[run.lowerBound] }
  }

  /// The errors over what rounding explains, of a stretch over that of a mean one too: a quantiser may have
  /// hardly any levels for a few values, or cut off the largest. NaN and infinities stay what they are.
  var gap: LevelGap {
    let (error, rounding) = (Self.sum(found), Self.sum(expected))
    let mean = rounding / Double(max(expected.count, 1))
    let worst = zip(found, expected).reduce(0.0) { worst, pair in
      let ratio = Self.ratio(Double(pair.0), Double(pair.1) + mean)
      return ratio.isNaN || ratio > worst ? ratio : worst
    }
    return LevelGap(whole: Self.ratio(error, rounding).squareRoot(), worst: worst.squareRoot())
  }

  private static func sum(_ values: [Float]) -> Double { values.reduce(0) { $0 + Double($1) } }

  private static func ratio(_ error: Double, _ rounding: Double) -> Double {
    error == 0 ? 0 : error / rounding
  }
}
