import Canonical
import Diagnostics
import Packing
import Tensors

/// The rows of the table of n-gram embeddings, which are read where they lie: the table may be larger than any
/// memory.
struct NgramTable: Sendable {
  private let tensor: CanonicalTensor
  private let places: RowGroups
  private let dim: Int

  /// Binds a table of shape `[rows, dim]`.
  /// - Throws: `Problem` of kind `unsupported` where its rows do not lie whole in the stored tensor.
  /// - Cost: nothing; no row is read.
  init(_ tensor: CanonicalTensor, rows: Int, dim: Int) throws {
    let size = tensor.type.unit.elements
    guard dim % size == 0, let places = RowGroups(tensor.view, rows: rows, columns: dim) else {
      throw Problem(
        .unsupported, "the rows of a table of embeddings do not lie whole in it",
        tensor: tensor.origin, expected: "rows of \(dim)", found: tensor.type.rawValue,
        remedy: "store the table in another type with --dtype f32 or bf16")
    }
    (self.tensor, self.places, self.dim) = (tensor, places, dim)
  }

  /// Reads one row as F32.
  /// - Throws: `Problem` of kind `io` where it cannot be read.
  /// - Cost: the bytes of the row.
  func read(_ row: Int, to target: UnsafeMutablePointer<Float>) throws {
    let first = places.place(of: row)
    try tensor.load(first..<first + dim, into: target)
  }
}
