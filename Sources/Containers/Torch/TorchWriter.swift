import Tensors

/// Writes files that `torch.load(…, weights_only=True)` reads, also with `mmap=True`.
enum TorchWriter {
  private static let folder = "archive"

  /// A file with a state dict in the given order.
  /// - Throws: `Problem` of kind `unsupported` where torch has no such type.
  static func plan(of tensors: [TensorHeader]) throws -> WeightFilePlan {
    archive(try StatePickle(tensors).bytes, tensors)
  }

  /// A file with one tensor instead of a state dict.
  /// - Throws: `Problem` of kind `unsupported` where torch has no such type or shape.
  static func plan(of tensor: TensorHeader) throws -> WeightFilePlan {
    archive(try PickleWriter.bytes(of: PickleTree(tensor, storage: 0)), [tensor])
  }

  /// A file with a value that holds no tensor.
  static func plan(of value: PickleTree) throws -> WeightFilePlan {
    archive(try PickleWriter.bytes(of: value), [])
  }

  /// The bytes of a file with a value that holds no tensor.
  static func bytes(of value: PickleTree) throws -> [UInt8] { try plan(of: value).bytes() }

  private static func archive(_ pickle: [UInt8], _ tensors: [TensorHeader]) -> WeightFilePlan {
    var archive = ZipPlan()
    archive.add("\(folder)/data.pkl", pickle)
    archive.add("\(folder)/.format_version", Array("1".utf8))
    archive.add("\(folder)/.storage_alignment", Array("\(ZipPlan.alignment)".utf8))
    archive.add("\(folder)/byteorder", Array("little".utf8))
    for (index, tensor) in tensors.enumerated() {
      archive.addTensor("\(folder)/data/\(index)", size: tensor.byteCount)
    }
    archive.add("\(folder)/version", Array("3\n".utf8))
    return archive.plan
  }
}
