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
  /// The blocks, each element by itself where there are none.
  private(set) var blocks = 0
  /// The blocks of which every value is zero although their codes are not alike.
  private(set) var lostBlocks = 0
  /// The elements of a row, and of a block.
  private let row: Int
  private let block: Int
  /// The sum of the squares of the largest magnitudes of all blocks but the largest.
  private var squares = 0.0

  /// Whether every element has the same value.
  var isConstant: Bool { nans == 0 && least == most }

  /// The largest magnitude over the mean of the others. In a block type whole blocks are compared, because
  /// a wrong scale makes all values of its block large.
  var prominence: Double {
    let mean = (squares / Double(max(blocks - 1, 1))).squareRoot()
    return mean > 0 ? Double(peak) / mean : 0
  }

  /// Looks at a tensor; nil for one whose elements are no floats.
  /// - Parameter progress: called with the bytes that were looked at.
  /// - Cost: one pass; memory for one chunk.
  /// - Throws: `Problem` of kind `io` where the bytes cannot be read.
  init?(_ tensor: StoredTensor, progress: (Int) -> Void = { _ in }) throws {
    guard tensor.type.isComputable || tensor.type.isScaled else { return nil }
    let unit = tensor.type.unit
    var statistics = TensorStatistics(
      row: max(tensor.shape.last ?? 1, 1), block: tensor.type.isBlock ? unit.elements : 1)
    let values = OwnedBytes(count: Self.chunk * unit.elements * 4)
    try values.mutableBytes.withMemoryRebound(to: Float.self) { values in
      guard let values = values.baseAddress else { return }
      try tensor.region.forEachWindow(of: Self.chunk * unit.bytes) { bytes in
        let count = bytes.count / unit.bytes * unit.elements
        StoredValues.load(bytes, 0..<count, tensor.type, into: values)
        statistics.add(values, count: count, of: bytes)
        progress(bytes.count)
      }
    }
    self = statistics
  }

  private init(row: Int, block: Int) { (self.row, self.block) = (row, block) }

  /// How many zeros next to whole rows of zeros may be chance.
  private static let chanceZeros = 2

  /// The most elements, or blocks of them, that are looked at at a time.
  private static let chunk = 4096

  private mutating func add(
    _ values: UnsafePointer<Float>, count: Int, of bytes: UnsafeRawBufferPointer
  ) {
    for index in 0..<count {
      let value = values[index]
      let magnitude = value.magnitude
      if magnitude.isFinite {
        least = min(least, value)
        most = max(most, value)
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
    let size = bytes.count / max(count / block, 1)
    for index in 0..<count / block {
      let isZero = addBlock(values + index * block)
      if isZero, Self.vary(bytes[index * size..<(index + 1) * size]) { lostBlocks += 1 }
    }
    self.count += count
  }

  /// Adds the largest magnitude of a block.
  /// - Returns: whether it is a block of quantised values, all of which are zero.
  private mutating func addBlock(_ values: UnsafePointer<Float>) -> Bool {
    var largest: Float = 0
    var isZero = block > 1
    for index in 0..<block {
      let magnitude = values[index].magnitude
      if magnitude.isFinite { largest = max(largest, magnitude) }
      if magnitude != 0 { isZero = false }
    }
    let lesser = Double(min(peak, largest))
    squares += lesser * lesser
    peak = max(peak, largest)
    blocks += 1
    return isZero
  }

  /// Whether a block has more different bytes than a block of zeros can have: two of its scale, one of its
  /// equal codes, and one of the code bits that some types store apart.
  private static func vary(_ bytes: Slice<UnsafeRawBufferPointer>) -> Bool {
    Set(bytes).count > mostAlike
  }

  private static let mostAlike = 4

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
