import Diagnostics
import JSON
import Tensors

extension StoredCheckpoint {
  /// The checkpoint with other tensors in the place of its own, such as weights in the place of the parts
  /// in which they are stored.
  /// - Parameter change: the tensor to put in the place of one; nil for none.
  /// - Throws: `Problem` of kind `invalid` where a name would occur twice.
  public func replacing(_ change: (StoredTensor) -> StoredTensor?) throws -> StoredCheckpoint {
    var copy = self
    copy.shards = shards.map {
      Shard(fileName: $0.fileName, content: $0.content.replacing(change))
    }
    copy.tensors = copy.shards.flatMap(\.tensors)
    copy.isUnpacked = copy.tensors.contains { $0.packed != nil }
    copy.headers = try Self.headers(copy.tensors)
    return copy
  }

  /// The checkpoint with other typed metadata in the place of those of the same keys.
  public func with(values: GGUFHeader.Metadata) -> StoredCheckpoint {
    var copy = self
    copy.shards = shards.map {
      Shard(fileName: $0.fileName, content: $0.content.with(values: values))
    }
    return copy
  }

  /// The config that lies beside weight files that say themselves what they hold; nil where there is none.
  /// - Throws: `Problem` where it cannot be read, or is no JSON.
  public func configBeside() throws -> JSONValue? {
    let file = path(Self.configName)
    return try Self.parse(Self.readConfig(file), file)
  }

  /// The checkpoint with another config, in the look of the one that it has.
  public func withConfig(_ change: (JSONValue) -> JSONValue) -> StoredCheckpoint {
    guard let config, let configBytes else { return self }
    var copy = self
    let changed = change(config)
    let text = changed.text(indent: JSONValue.indentation(of: configBytes))
    let end: [UInt8] = configBytes.last == UInt8(ascii: "\n") ? [UInt8(ascii: "\n")] : []
    (copy.config, copy.configBytes) = (changed, Array(text.utf8) + end)
    return copy
  }

  /// The checkpoint with the options of a training run as its config.
  /// - Parameter file: the name of the file that says them.
  public func withOptions(_ options: JSONValue, from file: String) -> StoredCheckpoint {
    var copy = self
    copy.config = options
    copy.configBytes = Array(options.text(indent: 2).utf8)
    copy.configFile = file
    return copy
  }

  /// The checkpoint without the rows of some tensors behind a number of them; they count among what the
  /// files hold beside weights.
  /// - Throws: `Problem` of kind `invalid` where a name would occur twice.
  public func cuttingRows(of names: [String], to rows: Int) throws -> StoredCheckpoint {
    let long = tensors.filter { names.contains($0.name) && ($0.shape.first ?? 0) > rows }
    guard rows > 0, !long.isEmpty else { return self }
    var copy = try replacing { tensor in
      long.contains { $0.name == tensor.name } ? tensor.rows(rows) : tensor
    }
    let padding = long.map { tensor in
      IgnoredValue(
        tensor.name, "\(tensor.shape[0] - rows) rows behind the vocabulary",
        in: "padding of the vocabulary")
    }
    copy.shards = copy.shards.enumerated().map { place, shard in
      Shard(
        fileName: shard.fileName,
        content: place == 0 ? shard.content.ignoring(padding) : shard.content)
    }
    return copy
  }

  /// What the files say of tensors; refuses a name that occurs twice.
  static func headers(_ tensors: [StoredTensor]) throws -> StoredHeaders {
    var headers = StoredHeaders(reserving: tensors.count)
    var problems: [Problem] = []
    for tensor in tensors {
      guard let first = headers.append(tensor.name, (tensor.type, tensor.shape)) else { continue }
      problems.append(
        Problem(
          .invalid, "a tensor is stored twice", file: tensor.file, tensor: tensor.name,
          expected: "each name once", found: "also in \(tensors[first].file)"))
    }
    try Problem.throwIfAny(problems)
    return headers
  }
}
