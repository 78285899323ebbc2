import Containers
import Diagnostics
import Packing

/// Finds the packed weights of a checkpoint by the names of their parts.
struct PackedWeightFinder {
  private let checkpoint: StoredCheckpoint

  init(_ checkpoint: StoredCheckpoint) { self.checkpoint = checkpoint }

  /// The weights that one method packed, in the order of the files.
  /// - Throws: `Problem`, with all that is wrong, where parts are missing or do not fit.
  /// - Cost: one look at each name.
  func weights(by method: any PackingMethod) throws -> [PackedTensor] {
    try weights(by: [method]) { tensor in
      try candidates(tensor, method)
    }
  }

  /// The packed weights, each read by the first of some methods whose parts it has.
  /// - Throws: `Problem`, with all that is wrong, where parts fit none.
  func weights(byFirstOf methods: [any PackingMethod]) throws -> [PackedTensor] {
    try weights(by: methods) { tensor in
      let found = methods.map { method in Result { try candidates(tensor, method) } }
      let fitting = found.compactMap { try? $0.get() }.first { !$0.isEmpty }
      return try fitting ?? found.flatMap { try $0.get() }
    }
  }

  private typealias Candidate = (module: String, packed: any PackedWeight)

  private func weights(
    by methods: [any PackingMethod], _ find: (String) throws -> [Candidate]
  ) throws -> [PackedTensor] {
    let anchors = Set(methods.flatMap { type(of: $0).anchors })
    var weights: [PackedTensor] = []
    var problems = FoldedProblems()
    for tensor in checkpoint.tensors where anchors.contains(where: tensor.name.hasSuffix) {
      let found = problems.collecting(tensor.name) { try find(tensor.name) }
      for (module, packed) in found ?? [] {
        weights.append((module + ".weight", packed))
      }
    }
    try problems.throwIfAny()
    return weights
  }

  /// The weights of which a tensor is the anchor.
  private func candidates(_ tensor: String, _ method: any PackingMethod) throws -> [Candidate] {
    try type(of: method).anchors.filter(tensor.hasSuffix).compactMap { anchor in
      let module = String(tensor.dropLast(anchor.count))
      return try weight(of: module, anchor, method).map { (module, $0) }
    }
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
}
