import Tensors

/// How finely a block format divides the range of its values.
enum BlockFineness {
  /// Codes of single values lie in some bytes, their last bits under a mask: another last bit is the next
  /// level.
  case codes(Range<Int>, UInt8)
  /// Several values have one code, a point of a grid: in the mean they are off by this share of their own
  /// root mean square.
  case grid(Float)

  /// How the formats of ggml do.
  static func of(_ type: ScalarType) -> BlockFineness {
    switch type {
    case .q1Zero: .codes(2..<18, 0xff)
    case .q2Zero: .codes(2..<18, 0x55)
    case .q4Zero, .iq4NL: .codes(2..<18, 0x11)
    case .q4One: .codes(4..<20, 0x11)
    case .q5Zero: .codes(6..<22, 0x11)
    case .q5One: .codes(8..<24, 0x11)
    case .q8Zero: .codes(2..<34, 0x01)
    case .q2K: .codes(16..<80, 0x55)
    case .q3K: .codes(32..<96, 0x55)
    case .q4K: .codes(16..<144, 0x11)
    case .q5K: .codes(48..<176, 0x11)
    case .q6K: .codes(0..<128, 0x11)
    case .iq4XS: .codes(8..<136, 0x11)
    case .tq2Zero: .codes(0..<64, 0x55)
    case .mxfp4: .codes(1..<17, 0x11)
    case .nvfp4: .codes(4..<36, 0x11)
    case .iq1S, .iq1M: .grid(0.5)
    case .iq2XXS, .iq2XS, .iq2S, .tq1Zero: .grid(0.35)
    case .iq3XXS, .iq3S: .grid(0.2)
    default: .grid(0)
    }
  }
}

extension BlockFormat {
  /// Writes how far apart levels lie, for a run of values that may begin and end inside blocks.
  static func loadSpacing(
    _ start: UnsafeRawPointer, _ run: Range<Int>, into values: UnsafeMutablePointer<Float>
  ) {
    let unit = type.unit
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * unit.elements) { scratch in
      guard let spacing = scratch.baseAddress else { return }
      var index = run.lowerBound
      while index < run.upperBound {
        let (block, skipped) = index.quotientAndRemainder(dividingBy: unit.elements)
        let count = min(unit.elements - skipped, run.upperBound - index)
        Self.spacing(
          BlockBytes(start: start + block * unit.bytes), into: spacing,
          scratch: spacing + unit.elements)
        (values + (index - run.lowerBound)).update(from: spacing + skipped, count: count)
        index += count
      }
    }
  }

  private static func spacing(
    _ block: BlockBytes, into spacing: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutablePointer<Float>
  ) {
    decode(block, into: spacing)
    switch BlockFineness.of(type) {
    case .codes(let places, let mask):
      decodeNext(block, places, mask, into: scratch)
      for index in 0..<type.unit.elements { spacing[index] = abs(scratch[index] - spacing[index]) }
    case .grid(let share):
      for start in stride(from: 0, to: type.unit.elements, by: group) {
        let values = UnsafeMutableBufferPointer(start: spacing + start, count: group)
        let mean = values.reduce(0) { $0 + $1 * $1 } / Float(group)
        values.update(repeating: share * (12 * mean).squareRoot())
      }
    }
  }

  /// Decodes the block with other last bits of its codes.
  private static func decodeNext(
    _ block: BlockBytes, _ places: Range<Int>, _ mask: UInt8,
    into values: UnsafeMutablePointer<Float>
  ) {
    let size = type.unit.bytes
    withUnsafeTemporaryAllocation(byteCount: size, alignment: 4) { copy in
      guard let start = copy.baseAddress else { return }
      start.copyMemory(from: block.start, byteCount: size)
      for place in places { copy[place] ^= mask }
      decode(BlockBytes(start: start), into: values)
    }
  }
}
