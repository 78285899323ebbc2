import Tensors

/// One of the stored tensors that together stand for a packed weight: its codes, its scales, its zero
/// points.
public struct PackedPart: Sendable {
  /// The stored name.
  public let name: String
  /// The type of the stored elements.
  public let type: ScalarType
  /// The stored shape.
  public let shape: [Int]
  /// The stored bytes.
  public let region: ByteRegion

  /// A stored tensor.
  /// - Precondition: the region holds as many bytes as shape and type say.
  public init(name: String, type: ScalarType, shape: [Int], region: ByteRegion) {
    self.name = name
    self.type = type
    self.shape = shape
    self.region = region
  }
}
