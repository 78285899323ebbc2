import Canonical
import Diagnostics
import Layouts
import Opening
import Tensors

extension TensorMove {
  /// The scales that go along where quantised weights move by whole blocks and keep their bytes; nil
  /// where no part is quantised.
  /// - Parameter name: the name under which the target stores the scales; nil where its layout has no
  ///   place for any.
  /// - Throws: `Problem` of kind `unsupported` where the weights would have to be dequantised.
  static func scales(of target: BoundTensor, _ parts: [MovedPart], named name: String?) throws
    -> TensorMove?
  {
    guard let first = parts.lazy.compactMap(\.source.scales).first else { return nil }
    guard let name, target.storedType == .keep else {
      throw refusal(target, first, "the layout has no place for scales")
    }
    let isUniform = parts.allSatisfy { moved in
      guard let scales = moved.source.scales else { return false }
      return scales.size == first.size && scales.type == first.type
        && scales.isPerTensor == first.isPerTensor && moved.source.steps == moved.steps
        && moved.source.type == parts[0].source.type
    }
    guard isUniform else {
      throw refusal(target, first, "its parts are quantised in different ways")
    }
    guard let moves = BlockMove.moves(parts, into: target) else {
      throw refusal(target, first, "it would be put together from parts of blocks")
    }
    let isScalar = first.isPerTensor && target.shape.count == 2
    let bound = BoundTensor(
      name: name, pieces: [name],
      shape: target.scales?.shape ?? (isScalar ? [] : first.size.grid(of: target.shape)),
      parts: moves.map(\.part), storedType: .keep)
    return TensorMove(verbatim: bound, from: moves.map(\.source))
  }

  private static func refusal(_ target: BoundTensor, _ scales: BlockScales, _ found: String)
    -> Problem
  {
    Problem(
      .unsupported, "a quantised weight cannot move with its scales", tensor: target.name,
      expected: scales.isPerTensor
        ? "whole tensors" : "whole blocks of \(scales.size.rows) × \(scales.size.columns)",
      found: found, remedy: "dequantise with --dtype f32, or with --dtype bf16 --allow lossy")
  }
}
