import Tensors

/// A tensor that will be produced when its turn comes.
public struct TensorToWrite {
  /// The name in the file.
  public let name: String
  /// The type of the elements.
  public let type: ScalarType
  /// The extents, outermost first.
  public let shape: [Int]
  /// Writes the bytes, little-endian and row-major, piece by piece.
  public let produce: (inout ByteSink) throws -> Void

  /// What the file says of it.
  var header: TensorHeader { TensorHeader(name: name, type: type, shape: shape) }

  /// A tensor whose bytes `produce` will write.
  public init(
    name: String, type: ScalarType, shape: [Int],
    produce: @escaping (inout ByteSink) throws -> Void
  ) {
    self.name = name
    self.type = type
    self.shape = shape
    self.produce = produce
  }

  /// A tensor copied from where it is stored.
  public init(_ tensor: StoredTensor) {
    self.init(name: tensor.name, type: tensor.type, shape: tensor.shape) { sink in
      try sink.write(tensor.region)
    }
  }
}
