/// Arithmetic on shapes that never traps on numbers read from a file.
public enum TensorShape {
  /// The number of elements of a shape, or nil where it does not fit an `Int`.
  ///
  /// The product is checked from left to right, so that `[2^62, 4, 0]` is refused as the reference
  /// reader refuses it.
  public static func elementCount(_ shape: [Int]) -> Int? {
    var count = 1
    for extent in shape {
      guard extent >= 0 else { return nil }
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      if overflow { return nil }
      count = product
    }
    return count
  }

  /// The number of bytes that a tensor fills, or nil where it overflows or ends inside a byte or a
  /// block.
  public static func byteCount(_ shape: [Int], _ type: ScalarType) -> Int? {
    let unit = type.unit
    guard let count = elementCount(shape), count % unit.elements == 0 else { return nil }
    let (bytes, overflow) = (count / unit.elements).multipliedReportingOverflow(by: unit.bytes)
    return overflow ? nil : bytes
  }

  /// A shape without the outer extents of 1 that some writers drop.
  public static func withoutOuterOnes(_ shape: [Int]) -> [Int] {
    Array(shape.drop { $0 == 1 })
  }

  /// A shape as people write it, `[2, 3]`.
  public static func text(_ shape: [Int]) -> String {
    "[" + shape.map(String.init).joined(separator: ", ") + "]"
  }

  /// A shape of too many extents for a message: the first few and their number.
  public static func shortText(_ shape: [Int]) -> String {
    let first = shape.prefix(8).map(String.init).joined(separator: ", ")
    return shape.count <= 8 ? text(shape) : "\(shape.count) extents, [\(first), …]"
  }
}
