import Kernels

/// The keys and values an attention layer has seen, in blocks of 64 positions.
///
/// ```
/// keys   [slot][kv head][64/panel][hd][panel]   transposed panels of as many positions
/// values [slot][kv head][64][hdp]               hdp = hd rounded up to a panel
/// ```
/// With a window the slots are a ring that holds the window and one segment.
final class KeyValueCache: MixerState {
  let keys: FloatBuffer
  let values: FloatBuffer
  private let kvHeads: Int
  private let hd: Int
  private let hdp: Int
  private let slots: Int

  /// Reserves memory for a number of positions, or for a window and a segment if that is less.
  init(kvHeads: Int, hd: Int, capacity: Int, window: Int?, segmentLength: Int) throws {
    let length = kernels.attention.blockLength
    self.kvHeads = kvHeads
    self.hd = hd
    hdp = Self.padded(hd)
    let all = capacity / length + (capacity % length > 0 ? 1 : 0)
    let ring = window.map { ($0 + segmentLength + length - 1) / length } ?? all
    slots = max(min(all, ring), 1)
    keys = try FloatBuffer(shape: [slots, kvHeads, length, hd])
    values = try FloatBuffer(shape: [slots, kvHeads, length, hdp])
  }

  private init(_ other: KeyValueCache, usedBlocks: Int) throws {
    (kvHeads, hd, hdp, slots) = (other.kvHeads, other.hd, other.hdp, other.slots)
    let used = min(usedBlocks, slots)
    keys = try other.keys.copy(first: used * other.keys.count / slots)
    values = try other.values.copy(first: used * other.values.count / slots)
  }

  /// Nothing: no position is read before it is stored again.
  func reset() {}

  /// A copy of what the first `position` positions filled.
  func copy(position: Int) throws -> KeyValueCache {
    let length = kernels.attention.blockLength
    return try KeyValueCache(self, usedBlocks: (position + length - 1) / length)
  }

  static func padded(_ hd: Int) -> Int {
    let panel = kernels.attention.panelWidth
    return (hd + panel - 1) / panel * panel
  }

  /// The keys of one head at the block of 64 positions, `[64/panel, hd, panel]`.
  func keys(block: Int, head: Int) -> UnsafeMutablePointer<Float> {
    keys.pointer + (block % slots * kvHeads + head) * kernels.attention.blockLength * hd
  }

  /// The values of one head at the block of 64 positions, `[64, hdp]`.
  func values(block: Int, head: Int) -> UnsafeMutablePointer<Float> {
    values.pointer + (block % slots * kvHeads + head) * kernels.attention.blockLength * hdp
  }

  /// Stores the key and value of one position and head, `[hd]` each.
  func store(
    key: UnsafePointer<Float>, value: UnsafePointer<Float>, position: Int, head: Int
  ) {
    let (block, index) = position.quotientAndRemainder(dividingBy: kernels.attention.blockLength)
    let panel = kernels.attention.panelWidth
    let column = keys(block: block, head: head) + index / panel * hd * panel + index % panel
    for dim in 0..<hd { column[dim * panel] = key[dim] }
    (values(block: block, head: head) + index * hdp).update(from: value, count: hd)
  }

  /// - Units: bytes.
  var byteCount: Int { 4 * (keys.count + values.count) }
}

extension Segment.Slice {
  /// The state of an attention layer.
  func cache(_ layer: Int) -> KeyValueCache {
    guard let cache = states[layer] as? KeyValueCache else { preconditionFailure("no attention") }
    return cache
  }
}
