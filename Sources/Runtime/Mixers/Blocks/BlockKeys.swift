import Kernels

/// The keys of the blocks of positions that a layer has seen, by which queries choose blocks.
///
/// ```
/// keys     [block][di]        of complete blocks
/// pending  [r][di]            what the positions of the block that is not complete say
/// choice   [segment][block]   scores of the queries of a segment, then the blocks that each has chosen
/// ```
final class BlockKeys {
  /// r, the positions of a block.
  let length: Int
  /// The most blocks that a query chooses.
  let most: Int
  private let di: Int
  private let blocks: Int
  private let keys: FloatBuffer
  private let pending: FloatBuffer
  private let choice: FloatBuffer
  /// Cosines and sines of the first position of a block.
  private let angles: FloatBuffer

  convenience init(_ selector: BlockSelector, capacity: Int, segmentLength: Int) throws {
    try self.init(
      length: selector.r, most: selector.most, di: selector.di,
      angles: selector.rotary?.half ?? 0, capacity: capacity, segmentLength: segmentLength)
  }

  /// Room for the blocks of some positions.
  /// - Parameter angles: the pairs of dims of a key that turn.
  init(length: Int, most: Int, di: Int, angles: Int, capacity: Int, segmentLength: Int) throws {
    (self.length, self.most, self.di) = (length, most, di)
    blocks = capacity / length
    keys = try FloatBuffer(shape: [blocks, di])
    pending = try FloatBuffer(shape: [length, di])
    choice = try FloatBuffer(shape: [segmentLength, blocks])
    self.angles = try FloatBuffer(2 * angles)
  }

  private init(_ other: BlockKeys, position: Int) throws {
    (length, most, di, blocks) = (other.length, other.most, other.di, other.blocks)
    keys = try other.keys.copy(first: position / length * di)
    pending = try other.pending.copy(first: other.pending.count)
    choice = try FloatBuffer(other.choice.count)
    angles = try FloatBuffer(other.angles.count)
  }

  /// A copy of what the first `position` positions filled.
  func copy(position: Int) throws -> BlockKeys { try BlockKeys(self, position: position) }

  /// The number of positions from the first on that see everything before them.
  var densePositions: Int { (most + 1) * length - 1 }

  /// The key of a complete block, `[di]`.
  func key(_ block: Int) -> UnsafeMutablePointer<Float> { keys.pointer + block * di }

  /// The scores of a query of a segment, `[block]`.
  func scores(_ row: Int) -> UnsafeMutablePointer<Float> { choice.pointer + row * blocks }

  /// The blocks that a query of a segment has chosen, in order.
  func chosen(_ row: Int) -> UnsafePointer<Int32> {
    UnsafePointer(UnsafeMutableRawPointer(scores(row)).assumingMemoryBound(to: Int32.self))
  }

  /// Takes in what a position says, and makes the key of its block where it is the last of it: the mean,
  /// normalised, turned as the first position of the block.
  func store(_ raw: UnsafePointer<Float>, position: Int, _ selector: BlockSelector) {
    let (block, index) = position.quotientAndRemainder(dividingBy: length)
    (pending.pointer + index * di).update(from: raw, count: di)
    guard index == length - 1 else { return }
    let key = key(block)
    key.update(from: pending.pointer, count: di)
    for other in 1..<max(length, 1) {
      kernels.elementwise.add(key, pending.pointer + other * di, scale: 1, count: di)
    }
    for dim in 0..<di { key[dim] /= Float(length) }
    selector.keyNorm.apply(key, to: key)
    guard let rotary = selector.rotary else { return }
    let (cosines, sines) = (angles.pointer, angles.pointer + rotary.half)
    rotary.fill(position: block * length, cosines: cosines, sines: sines)
    kernels.rotary.rotate(key, cosines: cosines, sines: sines, half: rotary.half)
  }

  /// Turns the scores of a query into the blocks with the largest, in order; of equal ones those that come first
  /// are chosen.
  /// - Parameter count: the blocks that are complete for it, more than are chosen.
  func choose(_ row: Int, of count: Int) {
    let scores = scores(row)
    let least = leastChosen(scores, count)
    var equal = most - larger(scores, count, than: least)
    var place = 0
    // Written in front of what is still read, because no block is chosen before it is seen.
    let chosen = UnsafeMutableRawPointer(scores)
    for block in 0..<count {
      let bits = scores[block].bitPattern
      guard bits > least || (bits == least && equal > 0) else { continue }
      if bits == least { equal -= 1 }
      chosen.storeBytes(of: Int32(block), toByteOffset: 4 * place, as: Int32.self)
      place += 1
    }
  }

  /// The bits of the smallest score that is chosen. Scores are not negative, so that their bits are in order.
  private func leastChosen(_ scores: UnsafePointer<Float>, _ count: Int) -> UInt32 {
    var (low, high) = (UInt32(0), UInt32.max)
    // The largest number that at least as many scores reach as are chosen.
    while low < high {
      let middle = low + (high - low) / 2 + 1
      if larger(scores, count, than: middle - 1) >= most { low = middle } else { high = middle - 1 }
    }
    return low
  }

  private func larger(_ scores: UnsafePointer<Float>, _ count: Int, than bits: UInt32) -> Int {
    var found = 0
    for block in 0..<count where scores[block].bitPattern > bits { found += 1 }
    return found
  }

  /// - Units: bytes.
  var byteCount: Int { 4 * (keys.count + pending.count + choice.count + angles.count) }
}
