import Diagnostics
import SystemPackage
import Tensors

/// A directory of `torch.distributed.checkpoint`: tensors in pieces, each a file of `torch.save` inside
/// one of the files `*.distcp`.
struct DistributedCheckpoint {
  /// The tensors of the model and what lies beside them.
  let content: WeightFile
  /// The names of the files it consists of.
  let fileNames: [String]

  /// What Megatron says of the run; nil where another trainer wrote the directory.
  let megatron: MegatronState?

  /// Opens the directory.
  /// - Throws: `Problem` naming the file.
  /// - Cost: reads the metadata and the pickle of each piece.
  init(_ directory: FilePath) throws {
    let path = directory.appending(DistributedMetadata.fileName)
    let isMegatron = try MegatronBackend.check(directory)
    let file = try MappedFile(path)
    let (metadata, state) = try locating(.file(path.string)) {
      let metadata = try FileNature.reading(file.bytes, as: .pickle) {
        try DistributedMetadata(file.bytes)
      }
      let entries = metadata.entries
      return (metadata, try isMegatron ? DistributedState(megatron: entries) : .init(entries))
    }
    if !isMegatron { try MegatronBackend.checkNames(state.tensors.map(\.name), in: directory) }
    var pieces = DistributedPieces(directory)
    try pieces.checkFiles(of: state.tensors.map(\.tensor))
    let tensors = try state.tensors.map { name, tensor in
      try locating(.tensor(name)) {
        let region = try pieces.region(tensor, named: name, in: path.string)
        return StoredTensor(
          name: name, type: tensor.type, shape: tensor.shape, region: region, file: path.string)
      }
    }
    content = WeightFile(tensors: tensors, ignored: state.ignored, payloadChecks: pieces.checksums)
    megatron = isMegatron ? try MegatronState(directory, metadata, &pieces) : nil
    fileNames = [DistributedMetadata.fileName] + metadata.fileNames
  }
}

/// The model among the values of a distributed checkpoint, found by the keys that lead to them.
struct DistributedState {
  private(set) var tensors: [(name: String, tensor: DistributedMetadata.Tensor)] = []
  private(set) var ignored: [IgnoredValue] = []

  private static let keys = ["state", "model", "state_dict", "model_state_dict", "module"]

  /// Goes down through the keys under which trainers keep the model.
  /// - Throws: `Problem` of kind `unsupported` where two of them hold tensors.
  init(_ entries: [DistributedMetadata.Entry]) throws {
    var depth = 0
    var inside = entries
    while let key = try Self.next(inside, depth) {
      ignored += inside.filter { !Self.leads($0, through: key, depth) }
        .map { Self.describe($0, groupedAt: depth + 1) }
      inside = inside.filter { Self.leads($0, through: key, depth) }
      depth += 1
    }
    for entry in inside {
      if let tensor = entry.tensor {
        let name = entry.path[depth...].joined(separator: ".")
        try StoredName.checkTensor(name)
        tensors.append((name, tensor))
      } else {
        ignored.append(Self.describe(entry, groupedAt: depth))
      }
    }
  }

  /// The key at this depth under which the model lies deeper.
  private static func next(_ entries: [DistributedMetadata.Entry], _ depth: Int) throws -> String? {
    let found = keys.filter { key in
      entries.contains { $0.tensor != nil && leads($0, through: key, depth) }
    }
    guard found.count < 2 else {
      throw Problem(
        .unsupported, "the checkpoint leaves open which tensors are the model",
        expected: "one of \(keys.joined(separator: ", "))", found: found.joined(separator: ", "))
    }
    return found.first ?? wrapper(entries, depth)
  }

  /// The only key of any name at this depth with one of the usual keys below, such as `app` of an
  /// application that saves its state as a whole.
  private static func wrapper(_ entries: [DistributedMetadata.Entry], _ depth: Int) -> String? {
    let found = Set(
      entries.lazy.filter { entry in
        entry.tensor != nil
          && keys.contains { key in
            entry.path.count > depth + 2 && entry.path[depth + 1] == key
          }
      }.map { $0.path[depth] })
    return found.count == 1 ? found.first : nil
  }

  /// Whether a value lies deeper under the key at this depth.
  private static func leads(
    _ entry: DistributedMetadata.Entry, through key: String, _ depth: Int
  ) -> Bool {
    entry.path.count > depth + 1 && entry.path[depth] == key
  }

  /// The tensors of a Megatron model, whose names stand at the top, beside those of the optimizer and the
  /// states of its modules.
  init(megatron entries: [DistributedMetadata.Entry]) throws {
    for entry in entries {
      let name = entry.path.joined(separator: ".")
      if let group = MegatronName.group(name) {
        ignored.append(IgnoredValue(name, entry.tensor == nil ? "a value" : "a tensor", in: group))
      } else if let tensor = entry.tensor {
        try StoredName.checkTensor(name)
        tensors.append((name, tensor))
      } else {
        ignored.append(Self.describe(entry, groupedAt: 0))
      }
    }
  }

  private static func describe(_ entry: DistributedMetadata.Entry, groupedAt depth: Int)
    -> IgnoredValue
  {
    IgnoredValue(
      entry.path.joined(separator: "."), entry.tensor == nil ? "a value" : "a tensor",
      in: entry.path.prefix(depth).joined(separator: "."))
  }
}
