import Containers
import Diagnostics
import Layouts
import Packing

extension StoredCheckpoint {
  /// The checkpoint with the values of packed weights in the place of their parts, decoded whenever they
  /// are asked for, and how they are packed; as it is where nothing is packed in a way that is read.
  /// - Throws: `Problem` of kind `invalid` where parts are missing or do not fit, `unsupported` for an
  ///   option of a method that is not read.
  /// - Cost: one look at each header; no weight is decoded.
  func unpacked() throws -> (checkpoint: StoredCheckpoint, packing: PackedStorage?) {
    guard !container.hasMetadata, PackedWeights.isAny(in: headers) else { return (self, nil) }
    let claim = QuantisationClaim.first(config, quantisationFiles)
    if let claim, claim.method == nil { return (self, nil) }
    let weights = try packedWeights(claim)
    return try locating(.file(weightsPath.string)) {
      guard let first = weights.first else {
        try checkAgreement(with: claim)
        return (self, nil)
      }
      let beside = try rest(of: weights).filter { Self.isBeside($0.name) }
      let storage = PackedStorage(
        self, weights, evidence: claim?.evidence ?? first.packed.parts[0].name,
        isAnnounced: claim != nil, beside: beside)
      return (try replacingParts(of: weights, leaving: Set(beside.map(\.name))), storage)
    }
  }

  /// The packed weights, as the config names the method or, where it says nothing, as tensors tell it.
  private func packedWeights(_ claim: QuantisationClaim?) throws -> [PackedTensor] {
    let finder = PackedWeightFinder(self)
    guard let claim else {
      return try locating(.file(weightsPath.string)) {
        try finder.weights(byFirstOf: PackingMethods.others(than: nil))
      }
    }
    let method = try locating(.file(configPath.string)) {
      try PackingMethods.claimed(by: claim, in: self)
    }
    return try locating(.file(weightsPath.string)) {
      try method.map(finder.weights(by:)) ?? []
    }
  }

  /// Refuses a checkpoint that holds tensors packed by another method than its config announces.
  private func checkAgreement(with claim: QuantisationClaim?) throws {
    guard let claim, let method = claim.method else { return }
    let others = PackingMethods.others(than: claim)
    guard let found = try? PackedWeightFinder(self).weights(byFirstOf: others).first else { return }
    throw Problem(
      .invalid, "the config and the tensors name different ways of packing", tensor: found.name,
      expected: "\(method), as \(claim.evidence) says", found: found.packed.scheme.text,
      remedy: "put the config there that belongs to these weights")
  }

  /// The tensors that belong to no packed weight.
  /// - Throws: `Problem` of kind `invalid` where one of them is named like a part of a packed weight.
  private func rest(of weights: [PackedTensor]) throws -> [StoredTensor] {
    let parts = Set(weights.flatMap { $0.packed.parts.map(\.name) })
    let names = Set(weights.map(\.name))
    let rest = tensors.filter { !parts.contains($0.name) }
    try Problem.throwIfAny(
      rest.compactMap { tensor in
        if tensor.type.needsScale, tensor.name.hasSuffix(".weight") { return Self.bare(tensor) }
        let isPart = StrayTensor(tensor.name, layers: .max, isWeight: names.contains) == .packed
        return isPart && !Self.isBeside(tensor.name) ? Self.stray(tensor) : nil
      })
    return rest
  }

  private static func bare(_ tensor: StoredTensor) -> Problem {
    Problem(
      .invalid, "a packed weight is stored without its other parts", file: tensor.file,
      tensor: tensor.name, expected: "scales beside it", found: tensor.type.rawValue,
      remedy: "check that all shards are there")
  }

  private static func stray(_ tensor: StoredTensor) -> Problem {
    Problem(
      .invalid, "a tensor is named like a part of a packed weight, and is none of its parts",
      file: tensor.file, tensor: tensor.name,
      remedy: "check that all shards are there and belong to one checkpoint")
  }

  /// Last parts of names of scales of activations and caches, and of markers of a memory format for GPUs.
  private static let besideNames: Set<String> = [
    "input_scale", "activation_scale", "input_global_scale", "input_zero_point", "output_scale",
    "output_zero_point",
    "q_scale", "k_scale", "v_scale", "q_zero_point", "k_zero_point", "v_zero_point",
    "weight_format",
  ]

  /// The scales of activations beside weights in FP8, where the config says that there are any.
  var activationScales: [StoredTensor] {
    guard let claim = QuantisationClaim.first(config, quantisationFiles),
      claim.hasActivationScales
    else { return [] }
    return tensors.filter { Self.isBeside($0.name) }
  }

  /// The checkpoint without some of its tensors.
  func without(_ others: [StoredTensor]) throws -> StoredCheckpoint {
    let names = Set(others.map(\.name))
    return names.isEmpty ? self : try replacing { names.contains($0.name) ? nil : $0 }
  }

  private static func isBeside(_ name: String) -> Bool {
    besideNames.contains(
      name.lastIndex(of: ".").map { String(name[name.index(after: $0)...]) } ?? name)
  }

  private func replacingParts(of weights: [PackedTensor], leaving: Set<String>) throws
    -> StoredCheckpoint
  {
    let codes = Dictionary(
      weights.map { ($0.packed.parts[0].name, $0) }, uniquingKeysWith: { first, _ in first })
    let others = Set(weights.flatMap { $0.packed.parts.dropFirst().map(\.name) })
    return try replacing { tensor in
      if let weight = codes[tensor.name] {
        return StoredTensor(weight.packed, name: weight.name, file: tensor.file)
      }
      return others.contains(tensor.name) || leaving.contains(tensor.name) ? nil : tensor
    }
  }
}
