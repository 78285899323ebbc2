import Kernels

enum Q8Blocks: BlockKernels {
  private static let bytes = 34
  private static let elements = 32

  static let arrangedElements = 0

  static func arrange(_ x: Floats, blocks: Int, target: MutableFloats) {}

  @inline(never)
  static func widen(_ source: UnsafeRawPointer, blocks: Int, target: MutableFloats) {
    for block in 0..<blocks {
      let place = source + block &* bytes
      let scale = scale(place)
      var index = 0
      while index < elements {
        store(scale * levels(place, index), target + (block &* elements &+ index))
        index &+= width
      }
    }
  }

  @inline(never)
  static func dot(
    _ x: Floats, _ rows: (UnsafeRawPointer, UnsafeRawPointer, UnsafeRawPointer, UnsafeRawPointer),
    blocks: Int, result: MutableFloats
  ) {
    var s0 = Lanes(), s1 = Lanes(), s2 = Lanes(), s3 = Lanes()
    for block in 0..<blocks {
      let byte = block &* bytes
      let values = x + block &* elements
      s0 = fused(s0, scale(rows.0 + byte), products(values, rows.0 + byte))
      s1 = fused(s1, scale(rows.1 + byte), products(values, rows.1 + byte))
      s2 = fused(s2, scale(rows.2 + byte), products(values, rows.2 + byte))
      s3 = fused(s3, scale(rows.3 + byte), products(values, rows.3 + byte))
    }
    result[0] = sum(s0)
    result[1] = sum(s1)
    result[2] = sum(s2)
    result[3] = sum(s3)
  }

  /// The sums of products of one block, lane by lane.
  @inline(__always)
  private static func products(_ x: Floats, _ block: UnsafeRawPointer) -> Lanes {
    var sum = load(x) * levels(block, 0)
    var index = width
    while index < elements {
      sum = fused(sum, load(x + index), levels(block, index))
      index &+= width
    }
    return sum
  }

  /// The scale of a block in every lane.
  @inline(__always)
  private static func scale(_ block: UnsafeRawPointer) -> Lanes {
    Lanes(repeating: Widening.half(block.loadUnaligned(as: UInt16.self)))
  }

  @inline(__always)
  private static func levels(_ block: UnsafeRawPointer, _ index: Int) -> Lanes {
    floats(widened((block + (2 &+ index)).loadUnaligned(as: ByteLanes.self)))
  }
}
