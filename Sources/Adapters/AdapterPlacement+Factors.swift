import Diagnostics
import Layouts
import Tensors

/// How programs store the factors of a change.
extension AdapterPlacement {
  /// The change of a tensor; nil where the factors do not fit it.
  func update(
    _ module: AdapterTensors.Module, _ a: AdapterTensor, _ b: AdapterTensor, of target: BoundTensor
  ) throws -> LowRankUpdate? {
    let isEmbedding = target.parts.first?.role.name == "embedding"
    switch family {
    case .mlx:
      return mlx(a, b, target.shape, isEmbedding: isEmbedding, scale(module.name, rank: 1))
    case .peft where module.isEmbedding:
      guard a.shape.count == 2, b.shape.count == 2, b.shape[1] == a.shape[0] else { return nil }
      return made(Factor(a).transposed, Factor(b).transposed, target, module, .change)
    case .peft, .gguf:
      guard a.shape.count == 2, b.shape.count == 2 else { return nil }
      if family == .gguf, isEmbedding, a.shape[1] == b.shape[0],
        [a.shape[0], b.shape[1]] == target.shape
      {
        return made(Factor(a), Factor(b), target, module, .sum)
      }
      if target.shape.count == 3, target.shape[0] > 1 { return experts(a, b, target, module) }
      guard b.shape[1] == a.shape[0] else { return nil }
      let isRounded = isParameter(target) || roundsChange
      return made(Factor(b), Factor(a), target, module, isRounded ? .change : .sum)
    }
  }

  /// The change of a plain matrix; nil where the product has another shape.
  private func made(
    _ left: Factor, _ right: Factor, _ target: BoundTensor, _ module: AdapterTensors.Module,
    _ rounding: LowRankUpdate.Rounding
  ) -> LowRankUpdate? {
    let shape = target.shape
    let matrix = shape.count == 3 && shape[0] == 1 ? Array(shape.dropFirst()) : shape
    guard left.inner == right.outer, left.inner > 0, [left.outer, right.inner] == matrix else {
      return nil
    }
    return LowRankUpdate(
      left: left, right: right, scale: scale(patternName(module, target), rank: left.inner),
      rounding: rounding)
  }

  /// The change of a tensor of several experts, [experts, out, in], as PEFT stores it: A [experts × rank, in], B [out,
  /// rank × experts], where those of all experts lie side by side for each rank. Older releases took the axes of the
  /// tensor for [experts, in, out].
  private func experts(
    _ a: AdapterTensor, _ b: AdapterTensor, _ target: BoundTensor, _ module: AdapterTensors.Module
  ) -> LowRankUpdate? {
    let (count, rows, columns) = (target.shape[0], target.shape[1], target.shape[2])
    guard a.shape[0] == b.shape[1], a.shape[0] % count == 0, a.shape[0] > 0 else { return nil }
    let rank = a.shape[0] / count
    let ofA = Factor(
      a, outer: rank, inner: a.shape[1], strides: (a.shape[1], 1, rank * a.shape[1]))
    let ofB = Factor(b, outer: b.shape[0], inner: rank, strides: (b.shape[1], count, 1))
    let (left, right): (Factor, Factor)
    switch (a.shape[1], b.shape[0]) {
    case (columns, rows): (left, right) = (ofB, ofA)
    case (rows, columns): (left, right) = (ofA.transposed, ofB.transposed)
    default: return nil
    }
    return LowRankUpdate(
      left: left, right: right, experts: count,
      scale: scale(patternName(module, target), rank: rank),
      rounding: .change)
  }

  /// The change as mlx-lm stores it: a [in, rank], b [rank, out]; of an embedding a [rows, rank], b [rank, columns]; of
  /// experts a [experts, rank, in], b [experts, out, rank].
  private func mlx(
    _ a: AdapterTensor, _ b: AdapterTensor, _ shape: [Int], isEmbedding: Bool, _ scale: Double
  ) -> LowRankUpdate? {
    let (left, right): (Factor, Factor)
    switch (a.shape.count, shape.count) {
    case (2, 2) where b.shape.count == 2 && isEmbedding: (left, right) = (Factor(a), Factor(b))
    case (2, 2) where b.shape.count == 2:
      (left, right) = (Factor(b).transposed, Factor(a).transposed)
    case (3, 3) where b.shape.count == 3 && a.shape[0] == shape[0] && b.shape[0] == shape[0]:
      (left, right) = (Factor(matrixOf: b), Factor(matrixOf: a))
    default: return nil
    }
    guard left.inner == right.outer, left.inner > 0,
      [left.outer, right.inner] == Array(shape.suffix(2))
    else { return nil }
    return LowRankUpdate(
      left: left, right: right, experts: shape.count == 3 ? shape[0] : 1, scale: scale,
      scaling: .left, rounding: .change)
  }
}

extension Factor {
  /// The matrix of each expert of a tensor of three axes.
  fileprivate init(matrixOf tensor: AdapterTensor) {
    let (rows, columns) = (tensor.shape[1], tensor.shape[2])
    self.init(tensor, outer: rows, inner: columns, strides: (columns, 1, rows * columns))
  }
}
