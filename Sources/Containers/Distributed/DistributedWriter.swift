import Tensors

/// Writes directories that `torch.distributed.checkpoint` loads on any number of ranks: each tensor is one
/// piece, a file of `torch.save` inside a file `*.distcp`.
public enum DistributedWriter {
  /// One of the files with pieces.
  public struct File {
    let name: String
    let tensors: [TensorHeader]

    /// A file with tensors one behind the other.
    public init(name: String, tensors: [TensorHeader]) { (self.name, self.tensors) = (name, tensors) }
  }

  /// A file with pieces.
  /// - Throws: `Problem` of kind `unsupported` where torch has no such type or shape.
  static func plan(of tensors: [TensorHeader]) throws -> WeightFilePlan {
    .joined(try tensors.map { try TorchWriter.plan(of: $0) })
  }

  /// The file `.metadata`, which says where everything is.
  /// - Parameter keys: where the model stands in what a trainer loads.
  /// - Throws: `Problem` of kind `unsupported` where torch has no such type or shape, or a reader would
  ///   refuse the file for its size.
  /// - Cost: what describes the tensors.
  public static func metadata(_ files: [File], under keys: StateKeys) throws -> [UInt8] {
    var pieces: [MetadataPickle.Piece] = []
    for file in files {
      let plans = try file.tensors.map { try TorchWriter.plan(of: $0) }
      pieces += zip(file.tensors, WeightFilePlan.places(plans)).map {
        MetadataPickle.Piece(tensor: $0, path: keys.path($0.name), file: file.name, range: $1)
      }
    }
    return try MetadataPickle(pieces).bytes
  }
}
