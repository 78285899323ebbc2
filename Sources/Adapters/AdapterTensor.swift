import Containers
import Diagnostics
import Opening
import Tensors

/// A tensor of an adapter, which has a type to compute with.
typealias AdapterTensor = StoredTensor

extension StoredTensor {
  /// Refuses types that no adapter has.
  /// - Throws: `Problem` of kind `unsupported`.
  func checkFloat() throws {
    guard !type.isFloat else { return }
    throw Problem(
      .unsupported, "a tensor of an adapter has a type that is not merged", file: file,
      tensor: name, expected: "F32, BF16 or F16", found: type.rawValue,
      remedy: "save the adapter in one of these types")
  }

  /// Whether a tensor has the type, the shape and the bytes of another.
  /// - Throws: `Problem` of kind `io`.
  /// - Cost: reads both once.
  func hasValues(of other: AdapterTensor) throws -> Bool {
    guard type == other.type, shape == other.shape else { return false }
    return try TensorHash.stored(region) == TensorHash.stored(other.region)
  }

  /// Refuses values that would make those of a whole row of the base none.
  /// - Throws: `Problem` of kind `invalid`, or `io`.
  /// - Cost: reads the tensor once.
  func checkFinite() throws {
    let width = max(byteCount / max(elementCount, 1), 1)
    try region.forEachWindow { bytes in
      let count = bytes.count / width
      try withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { values in
        guard let start = values.baseAddress else { return }
        FloatBits.load(bytes, 0..<count, type, into: start)
        guard let index = FloatBits.firstNotFinite(start, count) else { return }
        throw Problem(
          .invalid, "the adapter holds a value that is infinite or no number", file: file,
          tensor: name, expected: "finite values", found: "\(values[index])",
          remedy: "take an earlier state of the training")
      }
    }
  }
}
