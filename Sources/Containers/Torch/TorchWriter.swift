import Diagnostics
import SystemPackage
import Tensors

/// Writes files that `torch.load(…, weights_only=True)` reads, also with `mmap=True`.
enum TorchWriter {
  private static let folder = "archive"

  /// Writes a new file with a state dict in the given order.
  /// - Throws: `Problem`, also of kind `unsupported` where torch has no such type.
  /// - Cost: the pickle and one buffer; no tensor is held.
  static func write(_ tensors: [TensorToWrite], to path: FilePath) throws {
    let pickle = try Problem.placing({ $0.inFile(path.string) }) { try StatePickle(tensors).bytes }
    let small = [
      ("data.pkl", pickle), (".format_version", Array("1".utf8)),
      (".storage_alignment", Array("\(ZipWriter.alignment)".utf8)),
      ("byteorder", Array("little".utf8)),
    ]
    let size = tensors.enumerated().reduce(pickle.count + 4096) {
      $0 + $1.element.byteCount + ZipWriter.overhead(name($1.offset))
    }
    var archive = try ZipWriter(creating: path, expected: size)
    for (name, bytes) in small { try archive.add("\(folder)/\(name)", bytes) }
    for (index, tensor) in tensors.enumerated() {
      try archive.add(name(index), size: tensor.byteCount, tensor.produce)
    }
    try archive.add("\(folder)/version", Array("3\n".utf8))
    try archive.close()
  }

  private static func name(_ index: Int) -> String { "\(folder)/data/\(index)" }
}
