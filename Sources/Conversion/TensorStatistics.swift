import Containers
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
  /// The elements after the last one that is not zero.
  private(set) var trailingZeros = 0
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
  /// - Cost: one pass; memory for one chunk.
  init?(_ tensor: StoredTensor) {
    guard tensor.type.isComputable || tensor.type.isScaled else { return nil }
    let total = tensor.elementCount
    var statistics = TensorStatistics()
    tensor.region.withBytes { bytes in
      withUnsafeTemporaryAllocation(of: Float.self, capacity: Self.chunk) { buffer in
        guard let values = buffer.baseAddress else { return }
        for start in stride(from: 0, to: total, by: Self.chunk) {
          let run = start..<min(start + Self.chunk, total)
          FloatBits.load(bytes, run, tensor.type, into: values)
          statistics.add(values, count: run.count)
        }
      }
    }
    self = statistics
  }

  private init() {}

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
      trailingZeros = value == 0 ? trailingZeros + 1 : 0
    }
    self.count += count
  }
}
