import Tensors

/// `d · q`: a scale in F16, then 32 × I8.
enum Q8Zero: BlockFormat {
  static let type = ScalarType.q8Zero
  static let group = 32
  private static let size = 32

  static func decode(_ block: BlockBytes, into values: UnsafeMutablePointer<Float>) {
    let scale = block.half(0)
    for index in 0..<size { values[index] = scale * Float(block.signed(2 &+ index)) }
  }
}
