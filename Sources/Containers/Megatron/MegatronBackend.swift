import Diagnostics
import JSON
import SystemPackage
import Tensors

/// The file `metadata.json`, by which Megatron knows how an iteration was saved.
enum MegatronBackend {
  /// The name of the file.
  static let fileName = "metadata.json"
  private static let known = "torch_dist"
  private static let limit = 1 << 16

  /// Checks that an iteration was saved in the way that is read, and to its end.
  /// - Returns: whether the directory has such a file.
  /// - Throws: `Problem` of kind `unsupported` for another backend, `invalid` for a save that did not come
  ///   to its end.
  static func check(_ directory: FilePath) throws -> Bool {
    let path = directory.appending(fileName)
    guard FileKind(path) == .regular else {
      try checkFinished(directory)
      return false
    }
    guard let backend = try backend(path) else { return false }
    guard backend == .string(known) else {
      throw Problem(
        .unsupported, "a Megatron checkpoint that was saved by another backend", file: path.string,
        expected: "sharded_backend: \"\(known)\"", found: backend.text(indent: 0),
        remedy: "load it in Megatron and save it with --ckpt-format \(known)")
    }
    try checkFinished(directory)
    return true
  }

  /// What the file says; nil where it is another file of that name.
  private static func backend(_ path: FilePath) throws -> JSONValue? {
    let isOwn =
      FileKind(path.removingLastComponent().appending(DistributedMetadata.fileName)) == .regular
    do {
      return try locating(.file(path.string)) {
        try JSONValue(parsing: MappedFile.readAll(path, limit: limit))["sharded_backend"]
      }
    } catch {
      if isOwn { throw error }
      return nil
    }
  }

  /// Refuses what an asynchronous save left that did not come to its end.
  private static func checkFinished(_ directory: FilePath) throws {
    let name = DistributedMetadata.fileName
    guard FileKind(directory.appending(name)) != .regular else { return }
    let files = try DirectoryListing(directory).files
    let begun = files.filter {
      $0.hasPrefix(name) || $0.hasSuffix(DistributedMetadata.suffix) || $0 == fileName
    }
    guard !begun.isEmpty else { return }
    throw Problem(
      .invalid, "a save that did not come to its end", file: directory.string,
      expected: "\(name), which is written last", found: NameList.text(begun),
      remedy: "give another iteration; the trainer writes \(name) when all ranks are done")
  }

  /// Refuses names of Megatron in a directory without `metadata.json`.
  /// - Throws: `Problem` of kind `unsupported` for the form of its own sharding of parameters, `invalid`
  ///   where the file says nothing, `missing` where it was lost.
  static func checkNames(_ names: [String], in directory: FilePath) throws {
    guard MegatronName.areOfModel(names) else { return }
    let isWhole = names.contains { $0.contains(".in_proj.weight.") || $0.contains(".linear_attn.") }
    guard isWhole else {
      throw Problem(
        .unsupported, "a Megatron checkpoint in the format fsdp_dtensor", file: directory.string,
        expected: "\(fileName), and the parts of in_proj.weight apart",
        found: "parameters as one parallel rank holds them",
        remedy: "load it in Megatron and save it with --ckpt-format \(known)")
    }
    let path = directory.appending(fileName)
    guard FileKind(path) == .absent else {
      throw Problem(
        .invalid, "the file does not say how a Megatron checkpoint was saved", file: path.string,
        expected: "sharded_backend", remedy: "fetch the file of this save again")
    }
    throw Problem(
      .missing, "a Megatron checkpoint without \(fileName)", file: directory.string,
      remedy: "fetch \(fileName), which says how the directory was saved")
  }
}
