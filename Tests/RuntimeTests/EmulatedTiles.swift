import Kernels

/// Tiles in plain loops: what the processor's instructions compute, in their order.
///
/// One thread at a time has them.
enum EmulatedTiles: TileUnit {
  nonisolated(unsafe) private static var sums: [Float] = []
  /// Whether tiles are in use.
  nonisolated(unsafe) private(set) static var isReady = false

  static func begin() { isReady = true }

  static func end() { (isReady, sums) = (false, []) }

  static func load(_ source: MutableFloats, columns: Int) {
    precondition(isReady)
    sums = (0..<32 * 32).map { $0 % 32 < columns * 16 ? source[$0] : .nan }
  }

  static func store(_ target: MutableFloats, columns: Int) {
    for index in 0..<32 * 32 where index % 32 < columns * 16 { target[index] = sums[index] }
  }

  static func multiply(
    _ band: UnsafeRawPointer, _ panel: UnsafeRawPointer, parts: Int, columns: Int
  ) {
    for part in 0..<parts {
      let tokens = panel + part * 2048
      for row in 0..<32 {
        for column in 0..<columns * 16 {
          let tile = tokens + column / 16 * 1024 + column % 16 * 4
          // Of each pair one goes to either sum; a tile of tokens has a row for each pair.
          var (even, odd) = (Float(0), Float(0))
          for pair in 0..<16 {
            let (a, b) = (band + row * 64 + pair * 4, tile + pair * 64)
            even = flushed(even.addingProduct(value(a), value(b)))
            odd = flushed(odd.addingProduct(value(a + 2), value(b + 2)))
          }
          sums[row * 32 + column] = flushed(sums[row * 32 + column] + flushed(even + odd))
        }
      }
    }
  }

  private static func value(_ place: UnsafeRawPointer) -> Float {
    flushed(Float(bitPattern: UInt32(place.loadUnaligned(as: UInt16.self)) << 16))
  }

  private static func flushed(_ x: Float) -> Float { x.isSubnormal ? 0 : x }
}
