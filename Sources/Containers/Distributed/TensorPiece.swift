import Tensors

/// A block of a tensor, by where it begins in it.
protocol TensorPiece {
  var offsets: [Int] { get }
  var shape: [Int] { get }
  /// The name of the file that holds it; nil where messages name it anyway.
  var holder: String? { get }
}

extension TensorPiece {
  var holder: String? { nil }

  /// Which block it is, and where, in words.
  var text: String {
    "\(TensorShape.text(shape)) at \(TensorShape.text(offsets))"
      + (holder.map { " in \(DistributedMetadata.described($0))" } ?? "")
  }
}

/// A block of a tensor whose bytes are at hand.
struct StoredPiece: TensorPiece {
  /// Which block of the tensor it is.
  struct Bounds: Hashable {
    let offsets: [Int]
    let shape: [Int]
  }

  let offsets: [Int]
  let shape: [Int]
  /// The elements, row by row.
  let region: ByteRegion

  var bounds: Bounds { Bounds(offsets: offsets, shape: shape) }
}
