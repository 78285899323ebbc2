import Diagnostics
import SystemPackage
import Tensors

/// Writes archives that `numpy.load` and `mlx.core.load` read, bfloat16 as mlx stores it.
enum NpzWriter {
  /// Writes a new file with arrays in the given order.
  /// - Throws: `Problem`, also of kind `unsupported` where numpy has no such type.
  /// - Cost: the names and one buffer; no tensor is held.
  static func write(_ tensors: [TensorToWrite], to path: FilePath) throws {
    let headers = try tensors.map { tensor in
      guard let header = NpyHeader(type: tensor.type, shape: tensor.shape).bytes else {
        throw Problem(
          .unsupported, "numpy has no type for the elements", file: path.string,
          tensor: tensor.name, found: tensor.type.rawValue)
      }
      return header
    }
    let size = zip(tensors, headers).reduce(1024) { size, item in
      size + item.0.byteCount + item.1.count + ZipWriter.overhead(item.0.name + NpzFile.suffix)
    }
    var archive = try ZipWriter(creating: path, expected: size)
    for (tensor, header) in zip(tensors, headers) {
      let size = header.count + tensor.byteCount
      try archive.add(tensor.name + NpzFile.suffix, size: size) { sink in
        try sink.write(header)
        try tensor.produce(&sink)
      }
    }
    try archive.close()
  }
}
