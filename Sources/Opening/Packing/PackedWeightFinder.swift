import Containers
import Diagnostics
import Packing

/// Finds the packed weights of a checkpoint by the names of their parts.
struct PackedWeightFinder {
  private let checkpoint: StoredCheckpoint

  init(_ checkpoint: StoredCheckpoint) { self.checkpoint = checkpoint }

  /// The weights that some methods packed, in the order of the files.
  /// - Throws: `Problem`, with all that is wrong, where parts are missing or do not fit, or more than one
  ///   method fits a weight.
  /// - Cost: one look at each name.
  func weights(by methods: [any PackingMethod]) throws -> [PackedTensor] {
    let ends = methods.map { method in (method, type(of: method).anchors) }
    var weights: [PackedTensor] = []
    var modules: Set<String> = []
    var problems = FoldedProblems()
    for tensor in checkpoint.tensors {
      let found: [(module: String, packed: any PackedWeight)] =
        problems.collecting(tensor.name) {
          try ends.flatMap { method, anchors in
            try anchors.filter(tensor.name.hasSuffix).compactMap { anchor in
              let module = String(tensor.name.dropLast(anchor.count))
              return try weight(of: module, anchor, method).map { (module, $0) }
            }
          }
        } ?? []
      guard let (module, packed) = found.first else { continue }
      if found.count > 1 || !modules.insert(module).inserted {
        problems.add(Self.ambiguous(found.map(\.packed.scheme.text)), tensor.name)
      } else {
        weights.append((module + ".weight", packed))
      }
    }
    try problems.throwIfAny()
    return weights
  }

  private func weight(of module: String, _ anchor: String, _ method: any PackingMethod) throws
    -> (any PackedWeight)?
  {
    try method.weight(of: module, anchor: anchor) { end in
      checkpoint.tensor(module + end).map {
        PackedPart(name: $0.name, type: $0.type, shape: $0.shape, region: $0.region)
      }
    }
  }

  private static func ambiguous(_ schemes: [String]) -> Problem {
    Problem(
      .invalid, "the parts of a weight are those of two ways of packing",
      expected: "one of them",
      found: schemes.count > 1 ? schemes.joined(separator: "; ") : nil,
      remedy: "leave out the parts that are stale, or put the config there that names one")
  }
}
