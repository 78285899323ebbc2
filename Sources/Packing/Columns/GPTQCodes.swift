import Tensors

/// The codes of GPTQ: for each output a bit stream along the inputs, whose words lie as far apart as there
/// are outputs; zero points of a group are a bit stream along the outputs.
struct GPTQCodes: ColumnCodes {
  let codes: ByteRegion
  let zeros: ByteRegion
  let width: Int
  let outputs: Int
  /// Whether zero points were stored less one.
  let isFirstVersion: Bool

  /// Whole words of whole codes.
  func window(of columns: Range<Int>, _ count: Int) -> Range<Int> {
    columns.lowerBound / 32 * 32..<min((columns.upperBound + 31) / 32 * 32, count)
  }

  func gather(_ rows: Range<Int>, _ columns: Range<Int>, into place: UnsafeMutableRawBufferPointer)
    throws
  {
    let words = columns.lowerBound * width / 32..<columns.upperBound * width / 32
    let first = (words.lowerBound * outputs + rows.lowerBound) * 4
    let last = ((words.upperBound - 1) * outputs + rows.upperBound) * 4
    try codes.withBytes(in: first..<last) { bytes in
      let target = place.assumingMemoryBound(to: UInt32.self)
      for word in 0..<words.count {
        for row in 0..<rows.count {
          target[row * words.count + word] = bytes.loadUnaligned(
            fromByteOffset: (word * outputs + row) * 4, as: UInt32.self)
        }
      }
    }
  }

  func zeros(_ rows: Range<Int>, _ groups: Range<Int>, into zeros: UnsafeMutablePointer<Float>)
    throws
  {
    let stride = outputs * width / 32 * 4
    for (place, group) in groups.enumerated() {
      try self.zeros.withBytes(in: group * stride..<(group + 1) * stride) { bytes in
        for row in 0..<rows.count {
          zeros[row * groups.count + place] = Float(zero(bytes, rows.lowerBound + row))
        }
      }
    }
  }

  /// The zero point of an output.
  ///
  /// The first version of the format subtracted one from each whole word, so that a zero point of zero
  /// borrowed from its neighbour; adding one to whole words undoes that. For codes of three bits it
  /// subtracted one from each code.
  private func zero(_ bytes: UnsafeRawBufferPointer, _ output: Int) -> Int {
    guard 32 % width == 0 else {
      let code = BitStream(bytes: bytes, width: width)[output]
      return isFirstVersion ? (code + 1) & (1 << width - 1) : code
    }
    let (word, place) = (output * width).quotientAndRemainder(dividingBy: 32)
    let stored = bytes.loadUnaligned(fromByteOffset: word * 4, as: UInt32.self)
    let ones = isFirstVersion ? UInt32.max / (1 << UInt32(width) - 1) : 0
    return Int((stored &+ ones) >> UInt32(place)) & (1 << width - 1)
  }
}
