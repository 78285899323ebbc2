import Tensors

/// How ggml stores values of one type in blocks, each with scales of its own.
///
/// All arithmetic is in F32, each product and sum rounded by itself, in the order of ggml's reference
/// routines, so that values agree with theirs bit for bit. No index is taken from the bytes without a
/// mask: every block of the right size has values.
protocol BlockFormat {
  /// The type that is stored so.
  static var type: ScalarType { get }
  /// The values that share the finest scale.
  static var group: Int { get }

  /// Writes the values of one block.
  static func decode(_ block: BlockBytes, into values: UnsafeMutablePointer<Float>)

  /// Writes the values of a run that may begin and end inside blocks.
  /// - Parameter start: the first block, at which counting starts.
  static func load(
    _ start: UnsafeRawPointer, _ run: Range<Int>, into values: UnsafeMutablePointer<Float>)
}

extension BlockFormat {
  /// The format as a scheme; the first digit in ggml's name says the bits of a code, rounded.
  static var scheme: PackingScheme {
    let name = type.rawValue
    return PackingScheme(
      method: name, bits: name.lazy.compactMap(\.wholeNumberValue).first ?? 0, group: group)
  }

  static func load(
    _ start: UnsafeRawPointer, _ run: Range<Int>, into values: UnsafeMutablePointer<Float>
  ) {
    let unit = type.unit
    var index = run.lowerBound
    while index < run.upperBound {
      let (block, skipped) = index.quotientAndRemainder(dividingBy: unit.elements)
      let bytes = BlockBytes(start: start + block * unit.bytes)
      let count = min(unit.elements - skipped, run.upperBound - index)
      let place = values + (index - run.lowerBound)
      if count == unit.elements {
        decode(bytes, into: place)
      } else {
        decode(bytes, skipped..<skipped + count, into: place)
      }
      index += count
    }
  }

  /// Writes some values of one block.
  private static func decode(
    _ block: BlockBytes, _ part: Range<Int>, into values: UnsafeMutablePointer<Float>
  ) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: type.unit.elements) { whole in
      guard let base = whole.baseAddress else { return }
      decode(block, into: base)
      values.update(from: base + part.lowerBound, count: part.count)
    }
  }
}
