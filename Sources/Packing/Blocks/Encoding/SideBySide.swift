/// Eight blocks of 32 values side by side, and room for what is done with them.
struct SideBySide {
  let values: UnsafeMutablePointer<Lanes>
  let levels: UnsafeMutablePointer<Lanes>
  let weights: UnsafeMutablePointer<Lanes>
  let scratch: UnsafeMutablePointer<Lanes>

  private static let size = 32

  private init(_ start: UnsafeMutablePointer<Lanes>) {
    (values, levels) = (start, start + Self.size)
    (weights, scratch) = (start + 2 * Self.size, start + 3 * Self.size)
  }

  /// Calls `body` with eight blocks at a time; what is missing of the last eight is the last block again.
  /// - Parameter body: given the values and which blocks they are.
  @inline(__always)
  static func encode(
    _ values: UnsafePointer<Float>, blocks count: Int, _ body: (SideBySide, Range<Int>) -> Void
  ) {
    withUnsafeTemporaryAllocation(of: Lanes.self, capacity: 5 * size) { room in
      guard let lanes = room.baseAddress.map(SideBySide.init) else { return }
      for first in stride(from: 0, to: count, by: 8) {
        let blocks = first..<min(first + 8, count)
        lanes.load(values, blocks, into: lanes.values)
        body(lanes, blocks)
      }
    }
  }

  /// Puts the numbers that blocks have side by side.
  @inline(__always)
  func load(
    _ numbers: UnsafePointer<Float>, _ blocks: Range<Int>, into lanes: UnsafeMutablePointer<Lanes>
  ) {
    for index in 0..<Self.size {
      for lane in 0..<8 {
        let block = blocks.lowerBound + min(lane, blocks.count - 1)
        lanes[index][lane] = numbers[block * Self.size + index]
      }
    }
  }

  /// Writes the levels of the blocks, two to a byte, and the fifth bits where there are such.
  func put(
    _ blocks: Range<Int>, fifths: Int?, codes: Int, size: Int, into place: UnsafeMutableRawPointer
  ) {
    for (lane, block) in blocks.enumerated() {
      let bytes = place + block * size
      var high: UInt32 = 0
      for index in 0..<16 {
        let (a, b) = (UInt8(levels[index][lane]), UInt8(levels[index + 16][lane]))
        bytes.storeBytes(of: a & 15 | b << 4, toByteOffset: codes + index, as: UInt8.self)
        high |= UInt32(a >> 4) << UInt32(index) | UInt32(b >> 4) << UInt32(index + 16)
      }
      if let fifths {
        bytes.storeBytes(of: high.littleEndian, toByteOffset: fifths, as: UInt32.self)
      }
    }
  }
}
