import Canonical
import Containers
import Layouts
import Tensors

/// The norms of one role in one part of a model, which one rule stores.
package struct NormGroup: Sendable {
  /// Which they are.
  package let key: NormKey
  /// The tensors as they are read.
  package let tensors: [CanonicalTensor]
  /// What is subtracted from the stored weights when they are read.
  package let shift: Int
  /// All values as they are read, sorted.
  package let values: [Float]

  /// The norms among bound tensors whose values can be read and have the shape that is asked for.
  /// - Cost: reads them, a few kilobytes per layer.
  /// - Throws: `Problem` of kind `io` where they cannot be read.
  package static func all(
    _ part: NormPart, of bound: [BoundTensor], roles: Set<String>, in checkpoint: StoredCheckpoint
  ) throws -> [NormGroup] {
    var tensors: [String: [CanonicalTensor]] = [:]
    for bound in bound {
      guard let role = bound.parts.first?.role.name, roles.contains(role),
        let stored = checkpoint.tensor(bound.name), stored.type.isComputable,
        stored.elementCount == bound.shape.reduce(1, *)
      else { continue }
      tensors[role, default: []] += bound.parts.map { part in
        CanonicalTensor(
          shape: part.shape, type: stored.type, region: stored.region, view: part.view,
          steps: part.steps, origin: stored.name)
      }
    }
    return try tensors.sorted { $0.key < $1.key }.map { role, tensors in
      NormGroup(
        key: NormKey(part, role), tensors: tensors, shift: Self.shift(tensors),
        values: try tensors.flatMap { try $0.floats() }.sorted())
    }
  }

  private static func shift(_ tensors: [CanonicalTensor]) -> Int {
    (tensors.first?.steps ?? []).reduce(0) { sum, step in
      if case .shift(let constant) = step { sum + Int(constant) } else { sum }
    }
  }

  /// The whole number around which the norm weights of one role lie; nil where they lie around none.
  package var centre: Int? { NormCentre(values).whole(within: 0.2, tails: 0.4) }

  /// The whole number around which the values of several groups lie together; nil where they show none.
  static func centre(of groups: [NormGroup]) -> Int? {
    NormCentre(groups.flatMap(\.values).sorted()).whole(within: 0.25, tails: 0.5)
  }

  /// The groups whose values lie around another number than zero, each with that number: all of a part
  /// where they do so together, else those that do by themselves.
  package static func misplaced(_ groups: [NormGroup]) -> [(group: NormGroup, centre: Int)] {
    NormPart.allCases.flatMap { part -> [(group: NormGroup, centre: Int)] in
      let own = groups.filter { $0.key.part == part && !$0.values.isEmpty }
      if let whole = centre(of: own), whole != 0 { return own.map { ($0, whole) } }
      return own.compactMap { group in
        group.centre.flatMap { $0 == 0 ? nil : (group, $0) }
      }
    }
  }
}

/// Around which number values lie.
struct NormCentre {
  /// The value in the middle.
  let median: Float
  private let low, high: Float

  /// Looks at sorted values.
  init(_ values: [Float]) {
    func quantile(_ share: Double) -> Float {
      values.isEmpty ? .nan : values[Int(share * Double(values.count - 1))]
    }
    (low, median, high) = (quantile(0.1), quantile(0.5), quantile(0.9))
  }

  /// The whole number near the median, where nearly all values lie around it; nil for none.
  func whole(within distance: Float, tails: Float) -> Int? {
    guard median.magnitude < 1000 else { return nil }
    let centre = median.rounded()
    guard abs(median - centre) <= distance, low > centre - tails, high < centre + tails else {
      return nil
    }
    return Int(centre)
  }
}
