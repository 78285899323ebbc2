import Diagnostics
import Tensors

/// Writes archives that `numpy.load` and `mlx.core.load` read, bfloat16 as mlx stores it.
enum NpzWriter {
  /// A file with arrays in the given order.
  /// - Throws: `Problem` of kind `unsupported` where numpy has no such type or shape, or zip no such name.
  static func plan(of tensors: [TensorHeader]) throws -> WeightFilePlan {
    var archive = ZipPlan()
    for tensor in tensors {
      try check(tensor)
      guard let header = NpyHeader(type: tensor.type, shape: tensor.shape).bytes else {
        throw Problem(
          .unsupported, "numpy has no type for the elements", tensor: tensor.name,
          found: tensor.type.rawValue)
      }
      archive.addTensor(tensor.name + NpzFile.suffix, before: header, size: tensor.byteCount)
    }
    return archive.plan
  }

  /// The most extents of an array; numpy 2 takes no more.
  private static let mostExtents = 64

  private static func check(_ tensor: TensorHeader) throws {
    let name = (tensor.name + NpzFile.suffix).utf8.count
    guard name <= ZipPlan.longestName else {
      throw Problem(
        .unsupported, "the name is too long for an archive of numpy",
        tensor: "\(tensor.name.prefix(60))…",
        expected: "at most \(ZipPlan.longestName - NpzFile.suffix.utf8.count) bytes",
        found: "\(name - NpzFile.suffix.utf8.count) bytes")
    }
    guard tensor.shape.count <= mostExtents else {
      throw Problem(
        .unsupported, "numpy has no arrays of so many extents", tensor: tensor.name,
        expected: "at most \(mostExtents)", found: TensorShape.shortText(tensor.shape))
    }
  }
}
