import Diagnostics
import JSON
import Tensors

/// A library that packs weights, as one into whose parts codes are written.
public struct PackedTarget: Sendable {
  /// The libraries into whose parts codes are written.
  public enum Library: String, Sendable, CaseIterable {
    case mlx
    case compressedTensors = "compressed-tensors"
    case awq
    case gptq
    case modelOpt = "modelopt"

    /// The library whose scheme a weight has; nil for one whose parts are only read.
    public init?(of scheme: PackingScheme) {
      let names: [(String, Library)] = [
        ("MLX", .mlx), ("compressed-tensors", .compressedTensors), ("AWQ", .awq), ("GPTQ", .gptq),
        ("ModelOpt", .modelOpt),
      ]
      guard let found = names.first(where: { scheme.method.hasPrefix($0.0) })?.1 else { return nil }
      self = found
    }
  }

  /// The library.
  public let library: Library
  private let writer: any PackingWriter

  /// A library as a checkpoint uses it.
  /// - Parameter claim: what a config of before says, whose options are kept where weights fit them.
  public init(_ library: Library, claim: JSONValue?) throws {
    self.library = library
    writer =
      switch library {
      case .mlx: try MLXWriter(claim: claim)
      case .compressedTensors: try CompressedTensorsWriter(claim: claim)
      case .awq: try AWQWriter(claim: claim)
      case .gptq: try GPTQWriter(claim: claim)
      case .modelOpt: ModelOptWriter()
      }
  }

  /// A weight in the parts of the library, with the same values.
  /// - Parameter type: of plain weights beside it, which scales have where it holds them.
  /// - Throws: `RecodingObstacle` where the library has no form for it, `Problem` of kind `io` where scales
  ///   cannot be read.
  /// - Cost: reads scales and offsets; codes are read when the bytes of the parts are asked for.
  public func weight(_ rows: any CodedRows, module: String, beside type: ScalarType?) throws
    -> RecodedWeight
  {
    try writer.weight(rows, module, type)
  }

  /// What a config says of packed weights.
  /// - Parameters:
  ///   - entries: what it says of each packed module.
  ///   - plain: the modules of matrices that are not packed.
  ///   - named: packed modules that are of another class than most.
  /// - Throws: `RecodingObstacle` where the config of the library cannot say it.
  public func claim(_ entries: [String: JSONValue], plain: [String], named: Set<String> = [])
    throws -> JSONValue
  {
    try writer.claim(entries, plain, named)
  }
}
