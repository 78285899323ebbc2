import Tensors

/// What a weight file says of a tensor.
public struct TensorHeader: Hashable, Sendable {
  /// The name in the file.
  public let name: String
  /// The type of the elements.
  public let type: ScalarType
  /// The extents, outermost first.
  public let shape: [Int]

  /// A header from its parts.
  public init(name: String, type: ScalarType, shape: [Int]) {
    self.name = name
    self.type = type
    self.shape = shape
  }

  /// The size.
  /// - Units: bytes.
  public var byteCount: Int { TensorShape.byteCount(shape, type) ?? 0 }
}
