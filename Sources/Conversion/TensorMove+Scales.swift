import Canonical
import Diagnostics
import Layouts
import Tensors

extension TensorMove {
  /// The scales that go along where quantised weights move by whole blocks and keep their bytes; nil
  /// where no part is quantised.
  /// - Parameter name: the name under which the target stores the scales; nil where its layout has no
  ///   place for any.
  /// - Throws: `Problem` of kind `unsupported` where the weights would have to be dequantised.
  static func scales(of target: BoundTensor, _ pieces: [Piece], named name: String?) throws
    -> TensorMove?
  {
    guard let first = pieces.lazy.compactMap(\.source.scales).first else { return nil }
    guard let name, target.storedType == .keep else {
      throw refusal(target, first, "the layout has no place for scales")
    }
    let isUniform = pieces.allSatisfy { piece in
      guard let scales = piece.source.scales else { return false }
      return scales.size == first.size && scales.type == first.type
        && scales.isPerTensor == first.isPerTensor && piece.source.steps == piece.steps
        && piece.source.type == pieces[0].source.type
    }
    guard isUniform else {
      throw refusal(target, first, "its parts are quantised in different ways")
    }
    guard let moves = BlockMove.moves(pieces, into: target) else {
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

  /// Whether every dequantised value is known to fit the type.
  /// - Cost: reads scales, and the weights of small tensors.
  static func dequantisesExactly(_ pieces: [Piece], to type: ScalarType) -> Bool {
    guard pieces.contains(where: { $0.source.scales != nil }) else { return false }
    return pieces.allSatisfy { piece in
      guard let scales = piece.source.scales else { return piece.source.type == type }
      return type == .bf16 && piece.source.steps == piece.steps && scales.areShort
    } || fits(type, pieces)
  }
}

extension BlockScales {
  /// Whether no scale has more than four significant bits, so that its product with a weight, which has
  /// four too, is exact in the eight of BF16.
  fileprivate var areShort: Bool {
    let loaded = type == .u8 ? .f8E8M0 : type
    return region.withBytes { bytes in
      (0..<bytes.count * 8 / type.bitWidth).allSatisfy { index in
        let scale = FloatBits.load(bytes, index, loaded)
        return (0x1p-96...0x1p96).contains(scale.magnitude)
          && scale.significandBitPattern & 0xf_ffff == 0
      }
    }
  }
}
