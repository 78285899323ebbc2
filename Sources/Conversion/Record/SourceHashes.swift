import Canonical
import Containers
import Opening
import Synchronization
import Tensors
import Threads

/// The hashes of a source: of its stored tensors, and of the canonical tensors in them, taken together where
/// nothing is known yet, so that a tensor is read once for all of them.
struct SourceHashes: Sendable {
  /// The hash of every stored tensor by name.
  let stored: [String: String]
  /// The hashes of canonical tensors that were taken on the way.
  private let roles: [Role: String]
  /// The source itself.
  let model: OpenedModel

  /// - Parameter known: hashes of stored tensors that were taken while they were read.
  /// - Cost: reads the bytes of all others once.
  init(_ source: OpenedModel, known: [String: String], _ pool: ThreadPool) throws {
    let places = Dictionary(
      grouping: source.canonical.tensors.filter { TensorHash.hasStoredElements($0.value) },
      by: \.value.origin)
    let unknown = source.stored.tensors.filter { known[$0.name] == nil }
    let hashes = Mutex<[(whole: String, parts: [Role: String])]>(
      Array(repeating: ("", [:]), count: unknown.count))
    try pool.runInPairs(unknown.count) { index in
      Self.hash(unknown[index], places[unknown[index].name] ?? []) { found in
        hashes.withLock { $0[index] = found }
      }
    }
    let found = hashes.withLock { $0 }
    let names = Set(source.stored.tensors.map(\.name))
    stored = Dictionary(
      zip(unknown.map(\.name), found.map(\.whole)), uniquingKeysWith: { first, _ in first }
    ).merging(known.filter { names.contains($0.key) }) { _, known in known }
    roles = found.reduce(into: [:]) { $0.merge($1.parts) { first, _ in first } }
    model = source
  }

  /// The hash of a canonical tensor; nil where there is none.
  /// - Cost: nothing where it was taken on the way, else reads its elements.
  func canonical(_ role: Role) throws -> String? {
    if let known = roles[role] { return known }
    guard let tensor = model.canonical.tensors[role] ?? model.shared(role) else { return nil }
    let isWhole = model.stored.tensor(tensor.origin)?.region.isSame(as: tensor.region) == true
    if isWhole, TensorHash.isStoredForm(tensor), let hash = stored[tensor.origin] { return hash }
    return try TensorHash.canonical(tensor, isZeroCentred: model.configuration.isCentred(role))
  }

  /// The hashes of a stored tensor and of the canonical tensors in it.
  private static func hash(
    _ stored: StoredTensor, _ places: [(key: Role, value: CanonicalTensor)],
    onEnd: @escaping ((whole: String, parts: [Role: String])) -> Void
  ) -> RegionHash {
    let count = TensorShape.elementCount(stored.shape) ?? 0
    var parts = places.compactMap { role, tensor in
      stored.region.isSame(as: tensor.region) && stored.type == tensor.type
        ? PartHash(role, tensor.shape, at: tensor.view, of: count, width: tensor.type.bitWidth / 8)
        : nil
    }
    var position = 0
    let addParts: RegionHash.AddParts = { bytes, whole in
      for index in parts.indices { parts[index].add(bytes, at: position, beside: &whole) }
      position += bytes.count
    }
    return RegionHash(
      stored.region, addParts: parts.allSatisfy(\.isWhole) ? nil : addParts
    ) { whole in
      let hashes = parts.map { ($0.role, $0.finish(whole: whole)) }
      onEnd((whole, Dictionary(hashes, uniquingKeysWith: { first, _ in first })))
    }
  }
}

extension ByteRegion {
  /// Whether it names the same bytes of the same owner.
  fileprivate func isSame(as other: ByteRegion) -> Bool {
    storage === other.storage && range == other.range
  }
}
