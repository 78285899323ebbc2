/// An opened weight file of any container, none of its tensors read yet.
public struct WeightFile: Sendable {
  /// Free text pairs, in the order of the file; empty where the container has none.
  public let metadata: [(key: String, value: String)]
  /// Typed metadata, in the order of the file; empty where the container has none.
  public let values: GGUFHeader.Metadata
  /// The tensors, in the order of the file.
  public let tensors: [StoredTensor]
  /// What the file holds besides, such as the state of an optimizer.
  public let ignored: [IgnoredValue]
  /// Checksums to look at before the bytes of tensors are used.
  public let checksums: [Checksum]

  /// A file from what was found in it.
  init(
    metadata: [(key: String, value: String)] = [], values: GGUFHeader.Metadata = [],
    tensors: [StoredTensor],
    ignored: [IgnoredValue] = [], checksums: [Checksum] = []
  ) {
    self.metadata = metadata
    self.values = values
    self.tensors = tensors
    self.ignored = ignored
    self.checksums = checksums
  }

  /// The file with other tensors in the place of its own.
  func replacing(_ change: (StoredTensor) -> StoredTensor?) -> WeightFile {
    WeightFile(
      metadata: metadata, values: values, tensors: tensors.compactMap(change),
      ignored: ignored, checksums: checksums)
  }
}
