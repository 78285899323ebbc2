import Layouts

/// One thing that a repair puts right.
public struct Mend: Hashable, Sendable {
  /// What kind of thing it is.
  public enum Kind: String, Sendable {
    /// Something was added to a norm, or taken off.
    case norm
    /// Decay rates were stored in the other form.
    case decay = "A_log"
    /// The config said something else than the tensors.
    case claim
    /// Names had the prefix of a wrapper.
    case names
    /// A file did not say for which library it is, or said something else than the tensors.
    case metadata
    /// A table of embeddings had rows that nothing chooses.
    case table
  }

  /// What kind of thing it is.
  public let kind: Kind
  /// The stored name of the tensor; nil for what is about files.
  public let tensor: String?
  /// The name of the file.
  public let file: String
  /// What is done.
  public let text: String
  /// The value in the middle of a tensor before and after, or the value of a key.
  public let before, after: String?

  init(
    _ kind: Kind, tensor: String? = nil, file: String, _ text: String, before: String? = nil,
    after: String? = nil
  ) {
    (self.kind, self.tensor, self.file, self.text) = (kind, tensor, file, text)
    (self.before, self.after) = (before, after)
  }

  init(_ correction: ConfigCorrection, of config: String, before: String?) {
    self.init(
      .claim, file: config, "\(correction.key) \(correction.text)", before: before,
      after: correction.value.map { $0.text(indent: 0) } ?? "removed")
  }
}
