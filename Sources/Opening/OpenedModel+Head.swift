import Canonical
import Containers
import Diagnostics

extension OpenedModel {
  /// Refuses a model that has no language head where logits are needed.
  /// - Throws: `Problem` of kind `unsupported`.
  public func requireHead() throws {
    guard configuration.head == .none else { return }
    let others = otherHeads.map(\.name)
    throw Problem(
      .unsupported, "the model has no language head, so that it gives no logits",
      file: checkpoint.weightsPath.string, expected: "a language head",
      found: others.isEmpty ? "none" : NameFolding.summary(others),
      remedy: "use graft verify and graft logits, which compare and record hidden states")
  }

  /// The carried tensors of other heads, such as the score of a reward model.
  public var otherHeads: [StoredTensor] {
    carried.filter { binding.carrier(of: $0.name)?.isHead == true }
  }
}
