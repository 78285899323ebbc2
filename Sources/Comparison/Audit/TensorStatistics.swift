import Containers
import Packing
import Tensors

/// What the values of a stored tensor of floats are like, from one pass over them.
struct TensorStatistics: Sendable {
  /// The number of elements.
  private(set) var count = 0
  private(set) var nans = 0
  private(set) var infinities = 0
  private(set) var least = Float.infinity
  private(set) var most = -Float.infinity
  /// The largest magnitude of a finite value.
  private(set) var peak: Float = 0
  /// The elements that are zero and stand before the trailing ones.
  private(set) var zeros = 0
  /// The elements after the last one that is not zero.
  private(set) var trailingZeros = 0
  /// The longest run of zeros before that, of whole rows and of others.
  private(set) var longestRows = 0
  private(set) var longestTornRun = 0
  /// The elements of a row.
  private let row: Int
  /// The sum of the squares of all finite values but the largest.
  private var squares = 0.0

  /// Whether every element has the same value.
  var isConstant: Bool { nans == 0 && least == most }

  /// How many times larger the largest magnitude is than the others are in the mean.
  var prominence: Double {
    let mean = (squares / Double(max(count - 1, 1))).squareRoot()
    return mean > 0 ? Double(peak) / mean : 0
  }

  /// Looks at a tensor; nil for one whose elements are no floats.
  /// - Parameter progress: called with the bytes that were looked at.
  /// - Cost: one pass; memory for one chunk.
  /// - Throws: `Problem` of kind `io` where the bytes cannot be read.
  init?(_ tensor: StoredTensor, progress: (Int) -> Void = { _ in }) throws {
    guard tensor.type.isComputable || tensor.type.isScaled else { return nil }
    var statistics = TensorStatistics(row: max(tensor.shape.last ?? 1, 1))
    let unit = tensor.type.unit
    let values = OwnedBytes(count: Self.chunk * unit.elements * 4)
    try values.mutableBytes.withMemoryRebound(to: Float.self) { values in
      guard let values = values.baseAddress else { return }
      try tensor.region.forEachWindow(of: Self.chunk * unit.bytes) { bytes in
        let count = bytes.count / unit.bytes * unit.elements
        StoredValues.load(bytes, 0..<count, tensor.type, into: values)
        statistics.add(values, count: count)
        progress(bytes.count)
      }
    }
    self = statistics
  }

  private init(row: Int) { self.row = row }

  /// The zeros before or after whole rows of them that may be chance.
  private static let chanceZeros = 2

  /// The most elements, or blocks of them, that are looked at at a time.
  private static let chunk = 4096

  private mutating func add(_ values: UnsafePointer<Float>, count: Int) {
    for index in 0..<count {
      let value = values[index]
      let magnitude = value.magnitude
      if magnitude.isFinite {
        least = min(least, value)
        most = max(most, value)
        let lesser = Double(min(peak, magnitude))
        squares += lesser * lesser
        peak = max(peak, magnitude)
      } else if value.isNaN {
        nans += 1
      } else {
        infinities += 1
      }
      if value == 0 {
        trailingZeros += 1
      } else if trailingZeros > 0 {
        endRun(before: self.count + index)
      }
    }
    self.count += count
  }

  private mutating func endRun(before end: Int) {
    let start = end - trailingZeros
    let rows = end / row - (start + row - 1) / row
    let torn = rows > 0 ? trailingZeros - rows * row : trailingZeros
    if rows > 0, torn <= Self.chanceZeros {
      longestRows = max(longestRows, trailingZeros)
    } else {
      longestTornRun = max(longestTornRun, trailingZeros)
    }
    zeros += trailingZeros
    trailingZeros = 0
  }
}
