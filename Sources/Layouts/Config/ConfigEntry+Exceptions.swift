import Canonical
import Diagnostics

/// Lists of exceptions from what other lists say.
extension ConfigEntry {
  /// What the entry says of layers that stand instead of others, and of what; nil for other entries.
  var exceptions: (set: Facts, insteadOf: Facts)? {
    guard case .groups(let groups) = meaning else { return nil }
    return groups.insteadOf.map { (groups.kind.set, $0) }
  }

  /// Checks that layers named as exceptions are what the other lists must say of them.
  /// - Throws: `Problem` of kind `invalid` where one is not.
  func checkExceptions(_ list: [Facts], from layers: [Facts]) throws {
    guard let insteadOf = exceptions?.insteadOf else { return }
    for index in list.indices where !list[index].isEmpty {
      guard insteadOf.agree(with: layers[index]) else {
        throw Problem(
          .invalid, "\(key): the other keys say that a layer is of another kind", layer: index,
          expected: insteadOf.summary,
          found: layers[index].filter { insteadOf[$0.key] != nil }.summary)
      }
    }
  }
}

extension Facts {
  /// Names and values in a line.
  fileprivate var summary: String {
    sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.text)" }.joined(separator: ", ")
  }
}
