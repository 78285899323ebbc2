import Canonical
import Tensors

/// Finds the scales of quantised weights among what is stored.
struct ScaleBinder {
  let rule: ScaleRule
  let quantisation: Quantisation
  let stored: StoredHeaders

  /// The scales of a stored weight; nil where it is stored without.
  /// - Parameter parts: the number of canonical parts that fill the weight.
  func scales(_ weight: Int, _ shape: [Int], parts: Int) -> BoundScales? {
    guard stored.values[weight].type.isScaled, shape.count >= 2, shape.allSatisfy({ $0 > 0 })
    else { return nil }
    let name = rule.name(of: stored.names[weight], in: stored)
    if let block = quantisation.block {
      return BoundScales(
        name: name, shape: block.grid(of: shape), size: block, isPerTensor: false)
    }
    return perTensor(name, shape, parts: parts, stored: stored[name]?.shape)
  }

  /// The one scale of a tensor that several stored ones make up; nil where they are stored without.
  func scale(ofPieces pieces: [String], _ shape: [Int]) -> BoundScales? {
    guard let header = stored[pieces[0]], header.type.isScaled, shape.count == 2,
      shape.allSatisfy({ $0 > 0 }), let name = rule.jointName(of: pieces)
    else { return nil }
    return perTensor(name, shape, parts: 1, stored: stored[name]?.shape)
  }

  /// One scale for a matrix, or, where experts share a tensor, one for each expert or for each part
  /// of each expert.
  private func perTensor(_ name: String, _ shape: [Int], parts: Int, stored: [Int]?)
    -> BoundScales
  {
    let experts = shape.dropLast(2).reduce(1, *)
    let (rows, columns) = (shape[shape.count - 2], shape[shape.count - 1])
    let count = stored.flatMap(TensorShape.elementCount) ?? experts
    let share = experts > 0 && parts % experts == 0 ? parts / experts : 1
    let isHalved = shape.count > 2 && share > 1 && count == experts * share && rows % share == 0
    let size = BlockSize(rows: isHalved ? rows / share : rows, columns: columns)
    let expected = shape.count == 2 ? [] : size.grid(of: shape)
    let fits = stored.map { $0.count <= shape.count && count == expected.reduce(1, *) } ?? false
    return BoundScales(
      name: name, shape: fits ? stored ?? expected : expected, size: size, isPerTensor: true)
  }
}
