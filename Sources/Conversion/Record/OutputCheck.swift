import Canonical
import Diagnostics
import Layouts
import Opening
import Tensors

/// Compares the written tensors with the source tensors that fill them.
struct OutputCheck: Sendable {
  let source: SourceHashes
  let output: OpenedModel
  /// The hashes that were taken while tensors were written.
  let known: [String: WrittenTensor]
  /// The tensors of files that are the same as in the source.
  let cloned: Set<String>
  /// The tensors of the output as its layout prescribes them.
  let places: [String: BoundTensor]

  /// The hashes of a written tensor, of its bytes and of the canonical tensors in it; and the values of the
  /// source that cannot be computed back from it.
  /// - Throws: `Problem` of kind `io` where it does not hold what was moved.
  func hashed(_ planned: CheckpointPlan.Tensor) throws -> (
    stored: String, parts: [(role: Role, hash: String)], lost: [KeptValues]
  ) {
    guard let written = output.stored.tensor(planned.name) else {
      throw mismatch(planned, "no such tensor")
    }
    // The hash of the bytes: taken while they were written, that of a cloned file, or computed now.
    let known = known[planned.name]
    let clone = cloned.contains(planned.name) ? source.stored[planned.name] : nil
    let stored = try known?.hash ?? clone ?? TensorHash.stored(written.region)
    let isWhole = planned.rule == .copied || planned.rule == .carried
    if isWhole, let origin = planned.origins.first, source.stored[origin] != stored {
      throw mismatch(planned, "other bytes than \(origin)")
    }
    // The canonical tensors inside; a part of a packed weight holds none that is understood by itself.
    let isPart = output.checkpoint.tensor(planned.name)?.packed != nil
    let place =
      isPart
      ? nil
      : places[planned.name] ?? output.binding.shared(planned.name, shape: planned.shape)
    let parts = try (place?.parts ?? []).compactMap { part in
      try (known?.roles[part.role.description] ?? output.hash(part.role, stored: stored)).map {
        (part.role, $0)
      }
    }
    // Values that were only moved must be those of the source.
    for (role, hash) in parts where planned.rule.keepsValues {
      guard try source.canonical(role) == hash else {
        throw mismatch(planned, "other values of \(role)")
      }
    }
    if case .part(_, let repacking) = planned.content, repacking.isFirst {
      try checkValues(of: repacking.move, planned)
    }
    // Rows that were kept must be those of the source as well.
    if planned.rule == .resized, case .move(let move) = planned.content {
      for moved in move.parts where move.isVerbatim(moved) {
        let found = parts.isEmpty ? [stored] : parts.map(\.1)
        guard found == [try TensorHash.canonical(moved.source, isZeroCentred: false)] else {
          throw mismatch(planned, "other rows than the source has")
        }
      }
    }
    return (stored, parts, try lost(planned, parts))
  }

  /// Refuses a packed weight whose values are not those of the source.
  private func checkValues(of move: TensorMove, _ planned: CheckpointPlan.Tensor) throws {
    for (part, piece) in zip(move.target.parts, move.parts) {
      guard let written = output.canonical.tensors[part.role] ?? output.shared(part.role) else {
        continue
      }
      guard try TensorHash.numbers(piece.source) == TensorHash.numbers(written) else {
        throw mismatch(planned, "other values of \(part.role)")
      }
    }
  }

  /// The values of the source that cannot be computed from the written ones, or come back in another type.
  private func lost(_ planned: CheckpointPlan.Tensor, _ parts: [(role: Role, hash: String)])
    throws -> [KeptValues]
  {
    guard case .move(let move) = planned.content else { return [] }
    if let types = typesOfPieces(move), let hash = parts.first?.hash, let part = parts.first {
      return [
        KeptValues(
          role: part.role.description,
          form: KeptValues.form(part.role, [], in: source.model.configuration),
          hash: hash, type: .f32, types: types)
      ]
    }
    guard planned.rule == .computed(planned.type) || move.target.storedType.isFixed
    else { return [] }
    let narrow = output.canonical.tensors[Role("embedding")]?.type
    return try zip(move.target.parts, move.parts).compactMap { part, moved in
      guard let hash = parts.first(where: { $0.role == part.role })?.hash,
        let bytes = try moved.lostBytes(writtenAs: move.type)
          ?? (moved.losesType(narrow: narrow) ? [] : nil)
      else { return nil }
      return KeptValues(
        role: part.role.description,
        form: KeptValues.form(
          part.role, source.model.canonical.tensors[part.role]?.steps ?? [],
          in: source.model.configuration),
        hash: hash, type: moved.source.type, bytes: bytes)
    }
  }

  /// The types of the stored tensors that became one because their values were widened; nil where there are none.
  private func typesOfPieces(_ move: TensorMove) -> [ScalarType]? {
    guard !move.target.isPiece, move.parts.count == 1, move.type == .f32 else { return nil }
    let types = move.parts[0].source.pieces.map(\.type)
    return types.isEmpty ? nil : types
  }

  private func mismatch(_ planned: CheckpointPlan.Tensor, _ found: String) -> Problem {
    Problem(
      .io, "the output does not hold what was written", tensor: planned.name, found: found,
      remedy: "check the storage and try again")
  }
}

extension OpenedModel {
  /// The canonical hash of a role.
  /// - Parameter stored: the hash of the stored tensor.
  fileprivate func hash(_ role: Role, stored: String) throws -> String? {
    guard let tensor = canonical.tensors[role] ?? shared(role) else { return nil }
    if TensorHash.isStoredForm(tensor) { return stored }
    return try TensorHash.canonical(
      tensor,
      isZeroCentred: configuration.isCentred(role))
  }
}
