import Diagnostics
import Tensors

/// Writes archives that `numpy.load` and `mlx.core.load` read, bfloat16 as mlx stores it.
enum NpzWriter {
  /// A file with arrays in the given order.
  /// - Throws: `Problem` of kind `unsupported` where numpy has no such type.
  static func layout(of tensors: [TensorHeader]) throws -> WeightFileLayout {
    var archive = ZipLayout()
    for tensor in tensors {
      guard let header = NpyHeader(type: tensor.type, shape: tensor.shape).bytes else {
        throw Problem(
          .unsupported, "numpy has no type for the elements", tensor: tensor.name,
          found: tensor.type.rawValue)
      }
      archive.addTensor(tensor.name + NpzFile.suffix, before: header, size: tensor.byteCount)
    }
    return archive.layout
  }
}
