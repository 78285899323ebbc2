import Containers
import Layouts

/// What the tensors that are carried by name are worth to a layout that has no place for them.
extension OpenedModel {
  /// The stored tensors that the original never reads.
  public var unused: [String] {
    carried.map(\.name).filter { binding.carrier(of: $0)?.isUnused == true }
  }

  /// Whether a model lacks something without a carried tensor: not where it repeats another, which is
  /// checked before anything is written, or where the original never reads it.
  func losesSomething(without name: String) -> Bool {
    guard let carrier = binding.carrier(of: name) else { return true }
    return carrier.same == nil && !carrier.isUnused
  }

  /// Why a tensor is left out without which nothing is lost.
  func reasonToLeave(_ name: String) -> String {
    binding.carrier(of: name)?.same.map { "copy of the \($0.name)" }
      ?? "tensor that the original never reads"
  }
}
