import Containers
import JSON
import Layouts
import Opening
import Tensors
import Threads

/// The stored tensors of a checkpoint: what they are in the model, how they came about, their hashes.
public struct TensorListing: Sendable {
  /// One stored tensor.
  public struct Entry: Sendable {
    /// The tensor.
    public let tensor: StoredTensor
    /// The names of the roles it holds, each once; empty where the layout has no use for it.
    public let roles: [String]
    /// How the record says it was made; nil where there is no record of it.
    public let rule: String?
    /// The SHA-256 that the record names.
    public let recordedHash: String?
    /// The SHA-256 of the bytes, where they were read.
    public internal(set) var hash: String?
  }

  /// The tensors in the order of the files.
  public private(set) var entries: [Entry]

  /// Lists the tensors with what the record beside them says of each that has the same type and shape.
  public init(_ model: OpenedModel) {
    let records = Self.records(of: model.stored)
    let roles = Dictionary(
      model.binding.tensors.flatMap { bound in
        bound.pieces.flatMap(model.filesNames).map {
          ($0, Self.distinct(bound.parts.map(\.role.name)))
        }
      }, uniquingKeysWith: { first, _ in first })
    entries = model.stored.tensors.map { tensor in
      let record = records[tensor.name].flatMap { Self.describes($0, tensor) ? $0 : nil }
      return Entry(
        tensor: tensor, roles: roles[tensor.name] ?? [], rule: record?["rule"]?.string,
        recordedHash: record?["sha256"]?.string)
    }
  }

  /// Hashes every tensor.
  /// - Parameter progress: told of bytes that are done, by any thread.
  /// - Throws: `Problem` of kind `io` where bytes cannot be read.
  /// - Cost: reads all bytes once.
  public mutating func hash(threads: Int, progress: @escaping @Sendable (Int) -> Void) throws {
    let hashes = try TensorHash.stored(
      entries.map(\.tensor.region), ThreadPool(threads: threads), progress: progress)
    for index in entries.indices { entries[index].hash = hashes[index] }
  }

  private static func records(of checkpoint: StoredCheckpoint) -> [String: JSONValue] {
    let records = Manifest(beside: checkpoint)?.document["tensors"]?.array ?? []
    return Dictionary(
      records.compactMap { record in record["name"]?.string.map { ($0, record) } },
      uniquingKeysWith: { first, _ in first })
  }

  private static func distinct(_ names: [String]) -> [String] {
    names.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }

  private static func describes(_ record: JSONValue, _ tensor: StoredTensor) -> Bool {
    record["dtype"]?.string == tensor.type.rawValue
      && record["shape"] == .array(tensor.shape.map { JSONValue($0) })
  }
}

extension OpenedModel {
  /// The stored names behind a tensor: its own, or those of the parts of a packed weight.
  fileprivate func filesNames(_ name: String) -> [String] {
    checkpoint.tensor(name)?.packed?.parts.map(\.name) ?? [name]
  }
}
