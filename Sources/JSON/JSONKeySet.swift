/// The keys of one object, to notice one that occurs twice.
///
/// An open-addressing table over the source bytes, with a hash that is seeded anew for every set,
/// so that no file can be built to collide.
/// - Cost: 24 bytes for a key and 16 bytes for each of at least 4/3 as many slots.
public struct JSONKeySet {
  private struct Slot {
    var hash: UInt64 = 0
    var index = -1
  }

  private var keys: [JSONText] = []
  private var slots: [Slot] = []
  private let seed = UInt64.random(in: 0...UInt64.max)

  /// A set without keys.
  public init() {}

  /// Adds a key and says whether it was new.
  public mutating func insert(_ key: JSONText) -> Bool {
    if keys.count * 4 >= slots.count * 3 { grow() }
    let hash = hash(key)
    var place = Int(truncatingIfNeeded: hash) & (slots.count - 1)
    while slots[place].index >= 0 {
      if slots[place].hash == hash, keys[slots[place].index].isEqual(to: key) { return false }
      place = (place + 1) & (slots.count - 1)
    }
    slots[place] = Slot(hash: hash, index: keys.count)
    keys.append(key)
    return true
  }

  private mutating func grow() {
    let old = slots
    slots = Array(repeating: Slot(), count: max(16, old.count * 2))
    for slot in old where slot.index >= 0 {
      var place = Int(truncatingIfNeeded: slot.hash) & (slots.count - 1)
      while slots[place].index >= 0 { place = (place + 1) & (slots.count - 1) }
      slots[place] = slot
    }
  }

  private func hash(_ key: JSONText) -> UInt64 {
    key.hasEscapes ? key.decoded.withUnsafeBytes(hash) : hash(key.bytes)
  }

  private func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var state = seed ^ UInt64(bytes.count)
    var position = 0
    while position + 8 <= bytes.count {
      state = mix(state, bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
      position += 8
    }
    var rest: UInt64 = 0
    for byte in bytes[position...] { rest = rest << 8 | UInt64(byte) }
    return mix(state, rest)
  }

  private func mix(_ state: UInt64, _ word: UInt64) -> UInt64 {
    // The multiplier is secret, odd and differs from set to set; both halves of the product depend on all bits.
    let product = (state ^ word).multipliedFullWidth(by: 0x9e37_79b9_7f4a_7c15 ^ (seed | 1))
    return product.high ^ product.low
  }
}
