import Canonical
import Containers
import Layouts
import Opening

/// How carried tensors that several layouts know get from one layout into another.
extension OpenedModel {
  /// Whether another layout has a place for a carried tensor. Stored names decide that only if both layouts
  /// give them the same meaning, which layouts with `apart` keys do not.
  func hasPlace(_ stored: StoredTensor, in other: LayoutBinding) -> Bool {
    if let part = shared(stored)?.part { return other.storing(part) != nil }
    let isForeign =
      other.layout.id != layout.id && (layout.hasOwnKeys || other.layout.hasOwnKeys)
    return !isForeign && other.carrier(of: stored.name) != nil
  }

  /// The moves that bring a shared tensor and its scales into another layout. The scales move with their
  /// weight and have no move of their own. Nil for a tensor that stays as it is.
  /// - Throws: `Problem` of kind `unsupported` where the layout has no place for its scales.
  /// - Parameter cast: the type that is asked for a packed tensor.
  func sharedMoves(_ stored: StoredTensor, to other: LayoutBinding, cast: RequestedType) throws
    -> [TensorMove]?
  {
    guard let (part, tensor) = shared(stored), let target = other.storing(part),
      target.name != stored.name || target.parts.map(\.view) != [part.view]
    else { return nil }
    guard !binding.carriedScales.values.contains(where: { $0.name == stored.name }) else {
      return []
    }
    let move = try TensorMove(
      target, [tensor], cast: cast,
      scaleName: other.layout.scales?.names(of: target.name).first, narrow: nil)
    return [move] + (move.scales.map { [$0] } ?? [])
  }
}
