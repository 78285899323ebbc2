import Canonical
import Containers
import Diagnostics
import Layouts

extension OpenedModel {
  /// The tensor that a carried one repeats, such as the embedding for the head of a tied model.
  package func original(of stored: StoredTensor) -> BoundTensor? {
    guard let same = binding.carrier(of: stored.name)?.same else { return nil }
    return binding.tensors.first { $0.parts.map(\.role) == [same] }
  }

  /// Refuses an indexer of which the config does not say among blocks of what size it chooses; only metadata are
  /// known to lose that.
  func checkBlocks() throws {
    guard !checkpoint.container.hasMetadata else { return }
    try configuration.checkBlocks(remedy: "correct the config")
  }

  /// What the stored values say about how the checkpoint was read.
  /// - Cost: reads the norms and decay rates.
  /// - Throws: `Problem` of kind `io` where they cannot be read.
  public func signs() throws -> [ValueSign] {
    let groups = try Self.centredNorms(configuration, binding, checkpoint, norms?.offsets ?? [:])
    return try ValueSign.norms(groups) + [ValueSign.decay(canonical)].compactMap(\.self)
  }

  /// The norms that lie around zero, as they are read, those of multi-token prediction among them.
  static func centredNorms(
    _ configuration: ModelConfiguration, _ binding: LayoutBinding, _ checkpoint: StoredCheckpoint,
    _ offsets: [NormKey: Int] = [:]
  ) throws -> [NormGroup] {
    guard configuration.normIsZeroCentred else { return [] }
    let roles = CanonicalModel.centredNorms
    let predictions = try predictionNorms(configuration, binding, checkpoint)
      .map { $0.shifted(by: offsets, in: .prediction) }
    return try NormGroup.all(.trunk, of: binding.tensors, roles: roles, in: checkpoint)
      + NormGroup.all(.prediction, of: predictions, roles: roles, in: checkpoint)
  }

  /// Refuses to go on where values contradict the reading and the user has not said how they are
  /// stored.
  /// - Throws: `Problem` of kind `unsupported`.
  public func checkSigns() throws {
    let settled = Set(
      assumptions.filter(\.isNoNorm).map(\.subject) + (norms?.settled ?? []).map(\.subject))
    let doubts = try signs().filter { sign in
      sign.verdict == .refutes || sign.verdict == .contradicts && !settled.contains(sign.subject)
    }
    try Problem.throwIfAny(
      doubts.map { sign in
        Problem(
          .unsupported, "values contradict the layout \(layout.id): \(sign.subject)",
          file: checkpoint.weightsPath.string, found: sign.text, remedy: sign.remedy)
      })
  }

  /// Checks what headers do not show: checksums of the weight files, and that a tensor which repeats
  /// another, such as the head of a tied model, really does.
  /// - Throws: `Problem` of kind `invalid` where bytes are damaged or tied tensors differ.
  /// - Parameter byReading: whether checksums are left to whoever reads the bytes.
  /// - Cost: reads the payload of containers with checksums and of tensors that repeat others; most
  ///   checkpoints have neither.
  public func checkPayload(byReading: Bool = false) throws {
    try checkpoint.checkPayload(byReading: byReading)
    try checkRepeatedTensors()
    try checkImplied()
  }

  /// Refuses whole numbers that do not follow from the config, although those that use them compute them from
  /// it.
  private func checkImplied() throws {
    let found = try impliedFindings()
    try Problem.throwIfAny(found)
  }

  /// The whole numbers, such as what n-grams are hashed with, that do not follow from the config.
  /// - Cost: reads them, a few hundred bytes.
  /// - Throws: `Problem` of kind `io` where they cannot be read.
  public func impliedFindings() throws -> [Problem] {
    try configuration.implied.sorted { $0.key.description < $1.key.description }
      .compactMap { role, numbers in
        guard let tensor = canonical.tensors[role], tensor.type == .i64 else { return nil }
        let stored = try tensor.region.withBytes { bytes in
          (0..<tensor.count).map {
            Int(bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self))
          }
        }
        guard stored != numbers else { return nil }
        return Problem(
          .invalid, "stored numbers do not follow from the config",
          file: checkpoint.weightsPath.string, tensor: tensor.origin, layer: role.layer,
          expected: numbers.map(String.init).joined(separator: ", "),
          found: stored.map(String.init).joined(separator: ", "),
          remedy:
            "give the config the seed and sizes that the model was trained with, or take the tensor from the original checkpoint"
        )
      }
  }

  private func checkRepeatedTensors() throws {
    for tensor in carried {
      guard let same = binding.carrier(of: tensor.name)?.same,
        let original = canonical.tensors[same]
      else { continue }
      let agrees =
        try tensor.type == original.type && original.scales == nil
        && tensor.shape == original.shape && tensor.region.holdsSameBytes(as: original.region)
      guard agrees else {
        throw Problem(
          .invalid, "the config ties two tensors that differ",
          file: tensor.file, tensor: tensor.name,
          expected: "the values of \(original.origin)",
          remedy: """
            to keep this head, as current transformers does, set tie_word_embeddings to false in the \
            config; to use the embedding, as others do, remove the tensor
            """)
      }
    }
  }
}

extension Assumption {
  /// Whether it is about something else than norms.
  fileprivate var isNoNorm: Bool { if case .normOffset = self { false } else { true } }
}
