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
      throw scalesLost(target.name, first)
    }
    if let rows = target.parts.first?.rows, target.isPiece {
      return try sharedScale(of: target, parts[0].source, first, rows, named: name)
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

  /// The one scale of all tensors that make up one, which goes along with the first of them.
  private static func sharedScale(
    of target: BoundTensor, _ source: CanonicalTensor, _ scales: BlockScales, _ rows: Range<Int>,
    named name: String
  ) throws -> TensorMove? {
    guard scales.gridRows == 1, scales.gridColumns == 1, scales.isPerTensor else {
      throw refusal(target, scales, "it would be put together from parts of blocks")
    }
    guard rows.lowerBound == 0 else { return nil }
    let one = StridedView(contiguous: [1])
    let bound = BoundTensor(
      name: name, pieces: [name], shape: target.scales?.shape ?? [1],
      parts: [BoundPart(role: target.parts[0].role, shape: [1], view: one)], storedType: .keep)
    let stored = CanonicalTensor(
      shape: [1], type: scales.type, region: scales.region, view: one, origin: scales.origin)
    return TensorMove(verbatim: bound, from: [stored])
  }

  /// Why quantised weights cannot go into a layout that has no scales.
  static func scalesLost(_ tensor: String, _ scales: BlockScales) -> Problem {
    refusal(tensor, scales, "the layout has no place for scales")
  }

  private static func refusal(_ target: BoundTensor, _ scales: BlockScales, _ found: String)
    -> Problem
  {
    refusal(target.name, scales, found)
  }

  private static func refusal(_ tensor: String, _ scales: BlockScales, _ found: String) -> Problem {
    Problem(
      .unsupported, "a quantised weight cannot move with its scales", tensor: tensor,
      expected: scales.isPerTensor
        ? "whole tensors" : "whole blocks of \(scales.size.rows) × \(scales.size.columns)",
      found: found, remedy: "dequantise with --dtype f32, or with --dtype bf16 --allow lossy")
  }
}
