import Tensors

/// A block of eight runs of 32 values, whose scales and minima are multiples, in six bits, of those of the block.
protocol PairEncoder: BlockEncoder {
  static var search: PairSearch { get }

  /// Writes the levels.
  static func put(_ levels: UnsafePointer<Lanes>, into block: UnsafeMutableRawPointer)
}

extension PairEncoder {
  static func encode(
    _ values: UnsafePointer<Float>, blocks count: Int, into place: UnsafeMutableRawPointer
  ) {
    withUnsafeTemporaryAllocation(of: Lanes.self, capacity: 64 + PairSearch.scratch) { room in
      guard let lanes = room.baseAddress else { return }
      let (levels, scratch) = (lanes + 32, lanes + 64)
      for block in 0..<count {
        for index in 0..<32 { lanes[index] = Lanes(values + 256 * block + index, stride: 32) }
        let bytes = place + block * type.unit.bytes
        let fit = search(lanes, levels: levels, scratch: scratch)
        let scales = SixBitPairs(fit)
        scales.put(into: bytes)
        scales.place(lanes, highest: search.highest, into: levels)
        put(levels, into: bytes)
      }
    }
  }
}

/// Scales and minima of eight runs as multiples of those of their block.
private struct SixBitPairs {
  private let scale: UInt16
  private let minimum: UInt16
  private var scales = SIMD8<UInt8>()
  private var minima = SIMD8<UInt8>()

  init(_ fit: PairSearch.Fit) {
    var (highest, lowest) = (Float.zero, Float.zero)
    for lane in 0..<8 {
      if fit.scale[lane] > highest { highest = fit.scale[lane] }
      if -fit.minimum[lane] > lowest { lowest = -fit.minimum[lane] }
    }
    let inverse = highest > 0 ? 63 / highest : 0
    let inverseMinimum = lowest > 0 ? 63 / lowest : 0
    for lane in 0..<8 {
      scales[lane] = min(63, UInt8(truncatingIfNeeded: (inverse * fit.scale[lane]).nearest))
      minima[lane] = min(
        63, UInt8(truncatingIfNeeded: (inverseMinimum * -fit.minimum[lane]).nearest))
    }
    (scale, minimum) = (FloatBits.f16(highest / 63), FloatBits.f16(lowest / 63))
  }

  /// Writes both scales of the block, and those of the runs as `SixBits` reads them.
  func put(into block: UnsafeMutableRawPointer) {
    block.storeBytes(of: scale.littleEndian, as: UInt16.self)
    block.storeBytes(of: minimum.littleEndian, toByteOffset: 2, as: UInt16.self)
    for lane in 0..<4 {
      let (s, m) = (scales[lane + 4], minima[lane + 4])
      let bytes = [scales[lane] | (s >> 4) << 6, minima[lane] | (m >> 4) << 6, s & 15 | m << 4]
      for (part, byte) in bytes.enumerated() {
        block.storeBytes(of: byte, toByteOffset: 4 + 4 * part + lane, as: UInt8.self)
      }
    }
  }

  /// Finds levels anew by the scales that were stored; where one is zero, those of the search stay.
  func place(
    _ values: UnsafePointer<Lanes>, highest: Float, into levels: UnsafeMutablePointer<Lanes>
  ) {
    let d = FloatBits.float(f16: scale) * Lanes(scales.lanes)
    let m = FloatBits.float(f16: minimum) * Lanes(minima.lanes)
    for index in 0..<32 {
      let found = ((values[index] + m) / d).nearest.clamped(0, highest)
      levels[index].replace(with: found, where: .!(d .== 0))
    }
  }
}

extension SIMD8<UInt8> {
  fileprivate var lanes: Lanes {
    Lanes(
      Float(self[0]), Float(self[1]), Float(self[2]), Float(self[3]), Float(self[4]),
      Float(self[5]), Float(self[6]), Float(self[7]))
  }
}

extension Q4K: PairEncoder {
  static let search = PairSearch(highest: 15, first: -1, trials: 21)

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
  static let search = PairSearch(highest: 31, first: -0.5, trials: 16)

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
