import GraftTestSupport

/// Files with random damage, each from a seed of its own.
enum Mutations {
  /// Calls `body` with truncations of a file and with copies in which a few bytes changed, went or came.
  static func forEach(
    of bytes: [UInt8], count: Int, _ body: (_ damaged: [UInt8], _ seed: UInt64) throws -> Void
  ) rethrows {
    for seed in 0..<UInt64(count) {
      var random = SeededGenerator(seed: seed)
      var damaged = bytes
      if seed % 8 == 0 {
        damaged.removeLast(Int.random(in: 1...bytes.count, using: &random))
      } else {
        for _ in 0..<Int.random(in: 1...4, using: &random) { change(&damaged, &random) }
      }
      try body(damaged, seed)
    }
  }

  private static func change(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
    let place = Int.random(in: bytes.indices, using: &random)
    switch Int.random(in: 0..<6, using: &random) {
    case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
    case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    case 2: bytes.remove(at: place)
    case 3: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
    case 4: for index in bytes[place...].prefix(8).indices { bytes[index] = 0xff }
    default: bytes[place] = bytes[Int.random(in: bytes.indices, using: &random)]
    }
  }
}
