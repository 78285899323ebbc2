import Diagnostics

/// How tensors are spread over files of a largest size.
///
/// The rule is that of huggingface_hub: in the given order, a new file where the next tensor does
/// not fit; a tensor above the limit is a file of its own, before the one being filled.
public struct ShardPlan: Hashable, Sendable {
  /// One file.
  public struct Shard: Hashable, Sendable {
    /// The name of the file.
    public let fileName: String
    /// The tensors, in the given order.
    public let tensors: [String]
  }

  /// The files; at least one.
  public let shards: [Shard]

  /// Spreads tensors over files.
  /// - Parameters:
  ///   - maximum: the most tensor bytes in a file; nil for one file.
  ///   - container: names the files.
  /// - Units: bytes.
  public init(
    _ tensors: [(name: String, byteCount: Int)], maximum: Int? = nil, container: Container
  ) {
    let maximum = maximum ?? .max
    var groups: [[String]] = []
    var current: [String] = []
    var room = maximum
    for (name, byteCount) in tensors {
      if byteCount > maximum {
        groups.append([name])
        continue
      }
      if byteCount > room {
        groups.append(current)
        current = []
        room = maximum
      }
      current.append(name)
      room -= byteCount
    }
    if !current.isEmpty || groups.isEmpty { groups.append(current) }
    shards = groups.enumerated().map { index, names in
      let isSingle = groups.count == 1
      return Shard(
        fileName: isSingle
          ? container.singleName : container.shardName(index + 1, of: groups.count),
        tensors: names)
    }
  }
}
