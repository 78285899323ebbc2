import Kernels

/// The keys and values an attention layer has seen, in blocks of 64 positions.
///
/// ```
/// keys   [slot][kv head][64/panel][dk][panel]   transposed panels of as many positions
/// values [slot][kv head][64][dvp]               dvp = dv rounded up to a panel
/// ```
/// With a window the slots are a ring that holds the window and one segment.
final class KeyValueCache: MixerState {
  let keys: FloatBuffer
  let values: FloatBuffer
  private let kvHeads: Int
  let dk: Int
  private let dv: Int
  let dvp: Int
  private let slots: Int
  /// The keys of blocks, by which queries choose what they see; nil where they see all before them.
  private(set) var blocks: BlockKeys?

  /// Reserves memory for a number of positions, or for a window and a segment if that is less.
  init(
    kvHeads: Int, dims: (key: Int, value: Int), capacity: Int, window: Int?, segmentLength: Int
  ) throws {
    let length = kernels.attention.blockLength
    self.kvHeads = kvHeads
    (dk, dv) = dims
    dvp = Self.padded(dv)
    let all = capacity / length + (capacity % length > 0 ? 1 : 0)
    let ring = window.map { ($0 + segmentLength + length - 1) / length } ?? all
    slots = max(min(all, ring), 1)
    keys = try FloatBuffer(shape: [slots, kvHeads, length, dk])
    values = try FloatBuffer(shape: [slots, kvHeads, length, dvp])
  }

  /// A cache whose queries choose among blocks.
  convenience init(
    _ softmax: SoftmaxHeads, choosing selector: BlockSelector, capacity: Int, segmentLength: Int
  ) throws {
    try self.init(
      kvHeads: softmax.nkv, dims: (key: softmax.dk, value: softmax.dv), capacity: capacity,
      window: nil, segmentLength: segmentLength)
    blocks = try BlockKeys(selector, capacity: capacity, segmentLength: segmentLength)
  }

  private init(_ other: KeyValueCache, usedBlocks: Int) throws {
    (kvHeads, dk, dv, dvp, slots) = (other.kvHeads, other.dk, other.dv, other.dvp, other.slots)
    let used = min(usedBlocks, slots)
    keys = try other.keys.copy(first: used * other.keys.count / slots)
    values = try other.values.copy(first: used * other.values.count / slots)
  }

  /// Nothing: no position is read before it is stored again.
  func reset() {}

  /// A copy of what the first `position` positions filled.
  func copy(position: Int) throws -> KeyValueCache {
    let length = kernels.attention.blockLength
    let copy = try KeyValueCache(self, usedBlocks: (position + length - 1) / length)
    copy.blocks = try blocks?.copy(position: position)
    return copy
  }

  static func padded(_ dim: Int) -> Int {
    let panel = kernels.attention.panelWidth
    return (dim + panel - 1) / panel * panel
  }

  /// The keys of one head at the block of 64 positions, `[64/panel, dk, panel]`.
  func keys(block: Int, head: Int) -> UnsafeMutablePointer<Float> {
    keys.pointer + (block % slots * kvHeads + head) * kernels.attention.blockLength * dk
  }

  /// The values of one head at the block of 64 positions, `[64, dvp]`.
  func values(block: Int, head: Int) -> UnsafeMutablePointer<Float> {
    values.pointer + (block % slots * kvHeads + head) * kernels.attention.blockLength * dvp
  }

  /// Stores the key, `[dk]`, and the value, `[dv]`, of one position and head.
  func store(
    key: UnsafePointer<Float>, value: UnsafePointer<Float>, position: Int, head: Int
  ) {
    let (block, index) = position.quotientAndRemainder(dividingBy: kernels.attention.blockLength)
    let panel = kernels.attention.panelWidth
    let column = keys(block: block, head: head) + index / panel * dk * panel + index % panel
    for dim in 0..<dk { column[dim * panel] = key[dim] }
    (values(block: block, head: head) + index * dvp).update(from: value, count: dv)
  }

  /// - Units: bytes.
  var byteCount: Int { 4 * (keys.count + values.count) + (blocks?.byteCount ?? 0) }
}

extension Segment.Slice {
  /// The state of an attention layer.
  func cache(_ layer: Int) -> KeyValueCache {
    guard let cache = states[layer] as? KeyValueCache else { preconditionFailure("no attention") }
    return cache
  }
}
