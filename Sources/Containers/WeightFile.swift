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
  /// What to check before the bytes of tensors are used.
  public let payloadChecks: [any PayloadCheck]

  /// A file from what was found in it.
  init(
    metadata: [(key: String, value: String)] = [], values: GGUFHeader.Metadata = [],
    tensors: [StoredTensor],
    ignored: [IgnoredValue] = [], payloadChecks: [any PayloadCheck] = []
  ) {
    self.metadata = metadata
    self.values = values
    self.tensors = tensors
    self.ignored = ignored
    self.payloadChecks = payloadChecks
  }

  /// The file with other tensors in the place of its own.
  func replacing(_ change: (StoredTensor) -> StoredTensor?) -> WeightFile {
    WeightFile(
      metadata: metadata, values: values, tensors: tensors.compactMap(change),
      ignored: ignored, payloadChecks: payloadChecks)
  }

  /// The file with other typed metadata in the place of its own of the same keys; keys that it lacks stay away.
  func with(values others: GGUFHeader.Metadata) -> WeightFile {
    let others = Dictionary(
      others.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
    return WeightFile(
      metadata: metadata, values: values.map { ($0.key, others[$0.key] ?? $0.value) },
      tensors: tensors, ignored: ignored, payloadChecks: payloadChecks)
  }

  /// The file with more values that are no weights.
  func ignoring(_ values: [IgnoredValue]) -> WeightFile {
    WeightFile(
      metadata: metadata, values: self.values, tensors: tensors, ignored: ignored + values,
      payloadChecks: payloadChecks)
  }
}
