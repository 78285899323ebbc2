import Packing
import Tensors

/// Blocks of quantised values, of which any bytes stand for some.
enum BlockReader {
  private static let types = ScalarType.allCases.filter { $0.isBlock && $0.isComputable }

  /// The first byte chooses the type, the second where the run begins; blocks follow.
  static func read(_ input: UnsafeRawBufferPointer) {
    guard input.count > 2 else { return }
    let type = types[Int(input[0]) % types.count]
    let bytes = UnsafeRawBufferPointer(rebasing: input[2...])
    let count = bytes.count / type.unit.bytes * type.unit.elements
    let start = min(Int(input[1]), count)
    withUnsafeTemporaryAllocation(of: Float.self, capacity: count - start) { values in
      guard let base = values.baseAddress else { return }
      StoredValues.load(bytes, start..<count, type, into: base)
    }
  }
}
