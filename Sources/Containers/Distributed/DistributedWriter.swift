import Tensors

/// Writes directories that `torch.distributed.checkpoint` loads on any number of ranks: each tensor is one
/// piece, a file of `torch.save` inside a file `*.distcp`.
public enum DistributedWriter {
  /// One of the files with pieces.
  public struct File {
    let name: String
    let tensors: [TensorHeader]

    /// A file with tensors one behind the other.
    public init(name: String, tensors: [TensorHeader]) {
      (self.name, self.tensors) = (name, tensors)
    }
  }

  /// The state of modules that have none: a list with nothing in it but nothing.
  private static let state = PickleTree.list([.none])

  /// A file with pieces.
  /// - Parameter withState: whether a state that modules can share stands behind them.
  /// - Throws: `Problem` of kind `unsupported` where torch has no such type or shape.
  static func plan(of tensors: [TensorHeader], withState: Bool = false) throws -> WeightFilePlan {
    .joined(try parts(tensors, withState))
  }

  private static func parts(_ tensors: [TensorHeader], _ withState: Bool) throws
    -> [WeightFilePlan]
  {
    try tensors.map { try TorchWriter.plan(of: $0) }
      + (withState ? [TorchWriter.plan(of: state)] : [])
  }

  /// The file `.metadata` of a model under the keys that a trainer has for it.
  /// - Throws: `Problem` of kind `unsupported` where torch has no such type or shape, or a reader would
  ///   refuse the file for its size.
  /// - Cost: what describes the tensors.
  public static func metadata(_ files: [File], under keys: StateKeys) throws -> [UInt8] {
    let found = try files.flatMap { try pieces($0, withState: false).pieces }
    return try MetadataPickle(found, under: keys).bytes
  }

  /// The file `.metadata` of a Megatron save, in which modules have states.
  /// - Throws: as `metadata(_:under:)`, and `Problem` of kind `unsupported` for a tensor with the name of
  ///   such a state.
  /// - Cost: what describes the tensors.
  public static func metadataOfMegatron(_ files: [File]) throws -> [UInt8] {
    let found = try files.map { try pieces($0, withState: true) }
    return try MetadataPickle(
      found.flatMap(\.pieces),
      states: MegatronExtraState.names(beside: files.flatMap(\.tensors)), at: found.first?.state
    ).bytes
  }

  private static func pieces(_ file: File, withState: Bool) throws -> (
    pieces: [MetadataPickle.Piece], state: MetadataPickle.Place
  ) {
    let places = WeightFilePlan.places(try parts(file.tensors, withState)).map {
      MetadataPickle.Place(file: file.name, range: $0)
    }
    return (
      zip(file.tensors, places).map { MetadataPickle.Piece(tensor: $0, place: $1) },
      places.last ?? MetadataPickle.Place(file: file.name, range: 0..<0)
    )
  }
}
