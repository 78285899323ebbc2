import Canonical
import Containers
import Crypto
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
    stored.update(bufferPointer: bytes)
    for index in parts.indices { parts[index].add(bytes, at: position) }
    position += bytes.count
  }

  /// Called with the bytes of the source, in order where they can be hashed.
  func addSource(_ bytes: UnsafeRawBufferPointer) { source?.update(bufferPointer: bytes) }

  /// The hashes, once all bytes are written.
  /// - Parameter changed: how many values a cast changed.
  func finish(changed: Int, _ rounding: RoundingError? = nil) -> (
    tensor: WrittenTensor, source: (name: String, hash: String)?
  ) {
    let hash = TensorHash.hex(stored.finalize())
    let roles = parts.map { part in (part.role, part.isWhole ? hash : part.finish()) }
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
      return source.map { (origin, TensorHash.hex($0.finalize())) }
    case .encoded(let encoded):
      guard let origin = encoded.move.parts.first?.source.origin else { return nil }
      return source.map { (origin, TensorHash.hex($0.finalize())) }
    }
  }
}

/// The hash of one canonical tensor, whose elements lie in a stored tensor in their order.
private struct PartHash {
  let role: String
  /// Whether it is the whole stored tensor.
  let isWhole: Bool
  private let pairing: PairedView
  private let width: Int
  private var hash = RunHash()

  /// Nil if the elements are not written in canonical order, or if their hash is not that of the stored
  /// bytes.
  init?(_ part: BoundPart, of tensor: CheckpointPlan.Tensor) {
    guard part.shape.count > 1, part.rows == nil, part.steps.isEmpty,
      let width = tensor.type.byteWidth
    else {
      return nil
    }
    let canonical = StridedView(contiguous: part.shape)
    pairing = PairedView(source: canonical, target: part.view)
    guard pairing.isMonotonic else { return nil }
    role = part.role.description
    isWhole =
      part.view.simplified == canonical.simplified
      && TensorShape.elementCount(part.shape) == TensorShape.elementCount(tensor.shape)
    self.width = width
  }

  /// Adds what lies in a piece of the stored tensor.
  mutating func add(_ bytes: UnsafeRawBufferPointer, at position: Int) {
    guard !isWhole else { return }
    let end = position + bytes.count
    pairing.forEachRun(in: position / width..<(end + width - 1) / width) { _, target, count in
      let run = max(target * width, position)..<min((target + count) * width, end)
      hash.update(.init(rebasing: bytes[run.lowerBound - position..<run.upperBound - position]))
    }
  }

  func finish() -> String {
    var hash = hash
    return hash.finish()
  }
}
