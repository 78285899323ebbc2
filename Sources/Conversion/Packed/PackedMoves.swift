import Containers
import Diagnostics
import Layouts
import Opening
import Packing
import Tensors

/// What becomes of packed weights in a conversion: where no type is asked for, they keep the bytes of
/// their parts, or the conversion is refused; where one is, their values are written.
struct PackedMoves {
  private let source: OpenedModel
  /// Why no weight can keep its packed parts; nil where weights that move as a whole can.
  private let obstacle: Obstacle?

  /// What would be needed, and what is there.
  private typealias Obstacle = (expected: String, found: String)

  init(_ source: OpenedModel, to layout: Layout) {
    self.source = source
    obstacle = Self.obstacle(source, layout)
  }

  private static func obstacle(_ source: OpenedModel, _ layout: Layout) -> Obstacle? {
    guard let packing = source.packing else { return nil }
    if !packing.isAnnounced { return ("a config that says how it is packed", "no such config") }
    if !source.checkpoint.takenOff.isEmpty { return ("names as trained", "names of a wrapper") }
    guard source.layout.id != layout.id else { return nil }
    return ("layout \(source.layout.id)", "layout \(layout.id)")
  }

  /// The tensors to write in the place of one that is made of packed weights; nil for any other.
  /// - Throws: `Problem` of kind `unsupported` where they would have to be dequantised and no type is
  ///   asked for.
  func tensors(of move: TensorMove, cast: RequestedType) throws -> [CheckpointPlan.Tensor]? {
    guard source.packing != nil else { return nil }
    let origins = move.parts.map(\.source.origin).compactMap(source.checkpoint.tensor)
    guard let first = origins.first(where: { $0.packed != nil }), let packed = first.packed else {
      return nil
    }
    guard cast == .keep else { return [.unpacked(packed.scheme, move)] }
    if let obstacle { throw refusal(packed, move.target.name, obstacle) }
    guard move.wholeSource != nil, move.target.name == first.name else {
      throw refusal(
        packed, move.target.name, ("the same rows under the same name", "rows put together anew"))
    }
    return parts(of: first)
  }

  /// What is written in the place of a carried tensor that is packed; nil for any other.
  func carried(_ stored: StoredTensor, cast: RequestedType) throws -> [CheckpointPlan.Tensor]? {
    guard let packed = stored.packed else { return nil }
    guard cast == .keep else {
      let bound = BoundTensor(carrying: stored.name, shape: stored.shape)
      let move = try TensorMove(
        bound, [stored.values], cast: cast, scaleName: nil, narrow: nil)
      return [.unpacked(packed.scheme, move)]
    }
    if let obstacle { throw refusal(packed, stored.name, obstacle) }
    return parts(of: stored)
  }

  private func parts(of tensor: StoredTensor) -> [CheckpointPlan.Tensor] {
    (tensor.packed?.parts ?? []).compactMap { source.stored.tensor($0.name) }
      .map { CheckpointPlan.Tensor($0, rule: .copied) }
  }

  private func refusal(_ packed: any PackedWeight, _ name: String, _ obstacle: Obstacle) -> Problem
  {
    Problem(
      .unsupported, "a packed weight cannot be written as it is packed", tensor: name,
      expected: obstacle.expected,
      found: "\(packed.scheme.text), and \(obstacle.found)",
      remedy: "dequantise with --dtype f32, or with --dtype bf16 --allow lossy")
  }
}
