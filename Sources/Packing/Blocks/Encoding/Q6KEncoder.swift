import Tensors

extension Q6K: WeighingEncoder {
  private static let search = ScaleSearch(half: 32, size: 16)

  static func encode(
    _ values: UnsafePointer<Float>, blocks count: Int, into place: UnsafeMutableRawPointer
  ) {
    encode(values, blocks: count, importances: nil, into: place)
  }

  static func encode(
    row values: UnsafePointer<Float>, blocks count: Int, importances: UnsafePointer<Float>,
    into place: UnsafeMutableRawPointer
  ) {
    encode(values, blocks: count, importances: importances, into: place)
  }

  private static func encode(
    _ values: UnsafePointer<Float>, blocks count: Int, importances: UnsafePointer<Float>?,
    into place: UnsafeMutableRawPointer
  ) {
    withUnsafeTemporaryAllocation(of: Lanes.self, capacity: 96 + search.scratch) { room in
      guard let lanes = room.baseAddress else { return }
      for block in 0..<count {
        let (row, weights) = (values + 256 * block, importances.map { $0 + 256 * block })
        for index in 0..<32 {
          lanes[index] = lane(row, index)
          lanes[64 + index] = weights.map { lane($0, index) } ?? lanes[index] * lanes[index]
        }
        encode(lanes, into: place + block * type.unit.bytes)
      }
    }
  }

  /// One value each of the first eight runs of a block, or of the other eight.
  @inline(__always)
  private static func lane(_ block: UnsafePointer<Float>, _ index: Int) -> Lanes {
    Lanes(block + 128 * (index >> 4) + index & 15, stride: 16)
  }

  /// Rounds one block, of 16 runs of 16 values, the first eight before the others.
  /// - Parameter lanes: the values, room for levels, what errors are weighed by, and scratch.
  private static func encode(
    _ lanes: UnsafeMutablePointer<Lanes>, into block: UnsafeMutableRawPointer
  ) {
    let (levels, weights, scratch) = (lanes + 32, lanes + 64, lanes + 96)
    let halves = [0, 16].map {
      search(lanes + $0, weights: weights + $0, levels: levels + $0, scratch: scratch)
    }
    var largest: Float = 0
    for scale in halves.flatMap({ half in (0..<8).map { half[$0] } })
    where abs(scale) > abs(largest) { largest = scale }
    guard abs(largest) >= ScaleSearch.least else {
      block.initializeMemory(as: UInt8.self, repeating: 0, count: type.unit.bytes)
      return
    }
    let inverse = -128 / largest
    let scale = FloatBits.f16(1 / inverse)
    block.storeBytes(of: scale.littleEndian, toByteOffset: 208, as: UInt16.self)
    for (half, scales) in halves.enumerated() {
      let whole = (inverse * scales).nearest
      let kept = whole.replacing(with: 127, where: whole .> 127)
      for lane in 0..<8 {
        block.storeBytes(
          of: Int8(truncatingIfNeeded: Int32(kept[lane])), toByteOffset: 192 + 8 * half + lane,
          as: Int8.self)
      }
      let d = FloatBits.float(f16: scale) * kept
      for index in 16 * half..<16 * half + 16 {
        let found = (lanes[index] / d).nearest.clamped(-32, 31) + 32
        levels[index].replace(with: found, where: .!(d .== 0))
      }
    }
    put(levels, into: block)
  }

  /// Writes the levels.
  private static func put(_ levels: UnsafePointer<Lanes>, into block: UnsafeMutableRawPointer) {
    for half in 0..<2 {
      for place in 0..<32 {
        // Of the eight runs of a half, these hold the values at a distance of 32.
        let codes = levels[16 * half + place & 15].bytes
        let four = place < 16 ? codes.evenHalf : codes.oddHalf
        let low = four.lowHalf & 15 | four.highHalf &<< 4
        let high = four[0] >> 4 | (four[1] >> 4) << 2 | (four[2] >> 4) << 4 | (four[3] >> 4) << 6
        block.storeBytes(of: low[0], toByteOffset: 64 * half + place, as: UInt8.self)
        block.storeBytes(of: low[1], toByteOffset: 64 * half + 32 + place, as: UInt8.self)
        block.storeBytes(of: high, toByteOffset: 128 + 32 * half + place, as: UInt8.self)
      }
    }
  }
}
