import Layouts

extension OpenedModel {
  /// What was added to stored norms that multiply as `1 + weight`, beyond what the layout adds, by stored
  /// name: as the user says or, where the user says nothing, as values show it. Norms that are stored as
  /// the layout says are not among them.
  /// - Cost: reads the norms.
  /// - Throws: `Problem` of kind `io` where they cannot be read.
  package func normOffsets() throws -> [String: Int] {
    let own = try LayoutBinding(layout, configuration)
    let due = Dictionary(
      try Self.centredNorms(configuration, own, checkpoint).map { ($0.key, $0.shift) },
      uniquingKeysWith: { first, _ in first })
    let groups = try Self.centredNorms(configuration, binding, checkpoint, norms?.offsets ?? [:])
    let shown = Dictionary(
      NormGroup.misplaced(groups).map { ($0.group.key, $0.centre) },
      uniquingKeysWith: { first, _ in first })
    return groups.reduce(into: [:]) { offsets, group in
      let isSettled = norms?.settled.contains(group.key.part) == true
      let offset =
        group.shift - (due[group.key] ?? group.shift) + (isSettled ? 0 : shown[group.key] ?? 0)
      guard offset != 0 else { return }
      for tensor in group.tensors { offsets[tensor.origin] = offset }
    }
  }
}
