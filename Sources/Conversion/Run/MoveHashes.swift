import Canonical
import Containers
import Digests
import Layouts
import Opening
import Packing
import Tensors

/// Hashes that are taken while a tensor is written, so that its bytes need not be read again:
/// - of the stored bytes;
/// - of each canonical tensor in it whose elements are written in canonical order;
/// - of the source tensor, if it is read from front to back.
final class MoveHashes {
  private var stored = SHA256()
  private var source: SHA256?
  private var parts: [PartHash]
  private let tensor: CheckpointPlan.Tensor
  private var position = 0

  /// Whether no part of it has a hash of its own.
  private var isWhole: Bool { parts.allSatisfy(\.isWhole) }

  init(_ tensor: CheckpointPlan.Tensor) {
    self.tensor = tensor
    parts = []
    if case .encoded(let encoded) = tensor.content, encoded.holdsCodes, encoded.move.readsInOrder {
      source = SHA256()
    }
    guard case .move(let move) = tensor.content else { return }
    if isOfSource, move.wholeSource == nil, move.readsInOrder { source = SHA256() }
    parts = move.target.parts.compactMap { PartHash($0, of: tensor) }
  }

  /// Called with the bytes of the output in their order.
  func add(_ bytes: UnsafeRawBufferPointer) {
    var whole = PendingHash(stored, bytes)
    for index in parts.indices { parts[index].add(bytes, at: position, beside: &whole) }
    stored = whole.finish()
    position += bytes.count
  }

  /// Adds bytes of two tensors, beside each other unless they have parts that can go there.
  static func add(
    _ bytes: UnsafeRawBufferPointer, to first: MoveHashes, _ others: UnsafeRawBufferPointer,
    to second: MoveHashes
  ) {
    guard first.isWhole, second.isWhole else {
      first.add(bytes)
      return second.add(others)
    }
    SHA256.update(&first.stored, bytes, &second.stored, others)
  }

  /// Called with the bytes of the source, in order where they can be hashed.
  func addSource(_ bytes: UnsafeRawBufferPointer) { source?.update(bytes) }

  /// The hashes, once all bytes are written.
  /// - Parameter changed: how many values a cast changed.
  func finish(changed: Int, _ rounding: RoundingError? = nil) -> (
    tensor: WrittenTensor, source: (name: String, hash: String)?
  ) {
    let hash = stored.text()
    let roles = parts.map { ($0.role.description, $0.finish(whole: hash)) }
    let written = WrittenTensor(
      name: tensor.name, hash: hash,
      roles: Dictionary(roles, uniquingKeysWith: { first, _ in first }), changed: changed,
      rounding: rounding)
    return (written, sourceHash(hash))
  }

  /// Whether what is read is a tensor of the source, not one of a donor, of the record or of a repair.
  private var isOfSource: Bool {
    ![.donated, .restored, .mended].contains(tensor.rule) && !tensor.rule.isUnpacked
  }

  private func sourceHash(_ hash: String) -> (name: String, hash: String)? {
    guard isOfSource else { return nil }
    switch tensor.content {
    case .stored(let stored): return (stored.name, hash)
    case .part: return nil
    case .move(let move):
      guard let origin = move.parts.first?.source.origin,
        origin != CanonicalTensor.newOrigin
      else { return nil }
      if move.wholeSource != nil { return (origin, hash) }
      return source.map { (origin, $0.text()) }
    case .encoded(let encoded):
      guard let origin = encoded.move.parts.first?.source.origin else { return nil }
      return source.map { (origin, $0.text()) }
    }
  }
}
