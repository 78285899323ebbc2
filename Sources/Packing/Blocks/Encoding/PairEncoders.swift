import Tensors

/// A block of eight runs of 32 values, whose scales and minima are multiples, in six bits, of those of the block.
protocol PairEncoder: WeighingEncoder {
  static var search: PairSearch { get }
  /// Whether multiples that six bits do not hold are cut.
  static var cutsMultiples: Bool { get }

  /// Writes the levels.
  static func put(_ levels: UnsafePointer<Lanes>, into block: UnsafeMutableRawPointer)
}

extension PairEncoder {
  static func encode(
    _ values: UnsafePointer<Float>, blocks count: Int, into place: UnsafeMutableRawPointer
  ) {
    forEachBlock(values, count, into: place) { lanes, _, bytes in
      PairSearch.weigh(lanes.values, into: lanes.weights)
      return SixBitPairs(search(lanes), into: bytes)
    }
  }

  static func encode(
    row values: UnsafePointer<Float>, blocks count: Int, importances: UnsafePointer<Float>,
    into place: UnsafeMutableRawPointer
  ) {
    let search = PairSearch.weighing(highest: search.highest)
    forEachBlock(values, count, into: place) { lanes, block, bytes in
      let energy = 2 * sumOfSquares(values + 256 * block, count: 256) / 256
      for index in 0..<32 {
        let importance = Lanes(importances + 256 * block + index, stride: 32)
        lanes.weights[index] = importance.weight(of: lanes.values[index], energy: energy)
      }
      var weight = Lanes.zero
      for index in 0..<32 { weight += lanes.weights[index] }
      return SixBitPairs(
        search(lanes), weights: weight, isCut: cutsMultiples, into: bytes)
    }
  }

  /// Rounds blocks one after the other, each by the scales that `body` finds and writes.
  @inline(__always)
  private static func forEachBlock(
    _ values: UnsafePointer<Float>, _ count: Int, into place: UnsafeMutableRawPointer,
    _ body: (PairLanes, Int, UnsafeMutableRawPointer) -> SixBitPairs
  ) {
    withUnsafeTemporaryAllocation(of: Lanes.self, capacity: PairLanes.capacity) { room in
      guard let lanes = room.baseAddress.map(PairLanes.init) else { return }
      for block in 0..<count {
        for index in 0..<32 {
          lanes.values[index] = Lanes(values + 256 * block + index, stride: 32)
        }
        let bytes = place + block * type.unit.bytes
        body(lanes, block, bytes).place(lanes.values, highest: search.highest, into: lanes.levels)
        put(lanes.levels, into: bytes)
      }
    }
  }
}

/// Room for what is done with eight runs of 32 values side by side.
struct PairLanes {
  let values: UnsafeMutablePointer<Lanes>
  let levels: UnsafeMutablePointer<Lanes>
  let weights: UnsafeMutablePointer<Lanes>
  let trial: UnsafeMutablePointer<Lanes>

  static let capacity = 4 * PairSearch.size

  init(_ start: UnsafeMutablePointer<Lanes>) {
    (values, levels) = (start, start + PairSearch.size)
    (weights, trial) = (start + 2 * PairSearch.size, start + 3 * PairSearch.size)
  }
}

extension PairSearch {
  /// Finds the best fit.
  func callAsFunction(_ lanes: PairLanes) -> Fit {
    self(lanes.values, weights: lanes.weights, levels: lanes.levels, trial: lanes.trial)
  }
}

/// Scales and minima of eight runs as a reader finds them: multiples of those of their block.
private struct SixBitPairs {
  private var scale = Lanes.zero
  private var minimum = Lanes.zero

  /// Multiples that are nearest, of units that are a 63rd of the largest.
  init(_ fit: PairSearch.Fit, into block: UnsafeMutableRawPointer) {
    self.init(Multiples(nearest: fit.scale), Multiples(nearest: -fit.minimum), into: block)
  }

  /// Multiples of units that were fitted, each run with its weight.
  /// - Parameter isCut: whether what six bits do not hold becomes the most that they do.
  init(_ fit: PairSearch.Fit, weights: Lanes, isCut: Bool, into block: UnsafeMutableRawPointer) {
    let (scales, minima) = (
      FittedMultiples(fit.scale, weights), FittedMultiples(-fit.minimum, weights)
    )
    self.init(Multiples(scales, isCut: isCut), Multiples(minima, isCut: isCut), into: block)
  }

  /// Writes both units and the multiples.
  private init(_ scales: Multiples, _ minima: Multiples, into block: UnsafeMutableRawPointer) {
    block.storeBytes(of: FloatBits.f16(scales.unit).littleEndian, as: UInt16.self)
    block.storeBytes(of: FloatBits.f16(minima.unit).littleEndian, toByteOffset: 2, as: UInt16.self)
    for lane in 0..<4 {
      let (s, m) = (scales.numbers[lane + 4], minima.numbers[lane + 4])
      let bytes = [
        scales.numbers[lane] | (s >> 4) << 6, minima.numbers[lane] | (m >> 4) << 6, s & 15 | m << 4,
      ]
      for (part, byte) in bytes.enumerated() {
        block.storeBytes(of: byte, toByteOffset: 4 + 4 * part + lane, as: UInt8.self)
      }
    }
    for lane in 0..<8 {
      let stored = SixBits(BlockBytes(start: UnsafeRawPointer(block)), lane)
      (scale[lane], minimum[lane]) = (stored.scale, stored.minimum)
    }
  }

  /// Finds levels anew by the scales that were stored; where one is zero, those of the search stay.
  func place(
    _ values: UnsafePointer<Lanes>, highest: Float, into levels: UnsafeMutablePointer<Lanes>
  ) {
    for index in 0..<32 {
      let found = ((values[index] + minimum) / scale).nearest.clamped(0, highest)
      levels[index].replace(with: found, where: .!(scale .== 0))
    }
  }

  /// Whole multiples of a unit.
  private struct Multiples {
    let unit: Float
    private(set) var numbers = SIMD8<UInt8>()

    init(nearest values: Lanes) {
      var largest = Float.zero
      for lane in 0..<8 where values[lane] > largest { largest = values[lane] }
      let inverse = largest > 0 ? 63 / largest : 0
      unit = largest / 63
      for lane in 0..<8 {
        numbers[lane] = min(63, UInt8(truncatingIfNeeded: (inverse * values[lane]).nearest))
      }
    }

    init(_ fitted: FittedMultiples, isCut: Bool) {
      unit = fitted.unit
      numbers = fitted.multiples
      if isCut { numbers.replace(with: 63, where: numbers .> 63) }
    }
  }
}

extension Q4K: PairEncoder {
  static let search = PairSearch(highest: 15, first: -1, step: 0.1, trials: 21)
  static let cutsMultiples = false

  static func put(_ levels: UnsafePointer<Lanes>, into block: UnsafeMutableRawPointer) {
    for index in 0..<32 {
      let codes = levels[index].bytes
      let pairs = codes.evenHalf | codes.oddHalf &<< 4
      for pair in 0..<4 {
        block.storeBytes(of: pairs[pair], toByteOffset: 16 + 32 * pair + index, as: UInt8.self)
      }
    }
  }
}

extension Q5K: PairEncoder {
  static let search = PairSearch(highest: 31, first: -0.5, step: 0.1, trials: 16)
  static let cutsMultiples = true

  static func put(_ levels: UnsafePointer<Lanes>, into block: UnsafeMutableRawPointer) {
    for index in 0..<32 {
      let codes = levels[index].bytes
      let pairs = codes.evenHalf & 15 | codes.oddHalf &<< 4
      let fifths = (codes &>> 4) &<< SIMD8<UInt8>(0, 1, 2, 3, 4, 5, 6, 7)
      block.storeBytes(of: fifths.wrappedSum(), toByteOffset: 16 + index, as: UInt8.self)
      for pair in 0..<4 {
        block.storeBytes(of: pairs[pair], toByteOffset: 48 + 32 * pair + index, as: UInt8.self)
      }
    }
  }
}
