import Containers
import Diagnostics
import Layouts

/// Checkpoints that store the same tensors in two forms of a layout: which of them a reader takes is
/// undefined.
extension OpenedModel {
  /// The refusal of such a checkpoint; nil for any other.
  static func twoForms(_ readings: [Reading], _ checkpoint: StoredCheckpoint) -> Problem? {
    let stored = checkpoint.headers
    for reading in readings where reading.found.isComplete {
      let own = Set(reading.binding.tensors.flatMap(\.pieces))
      let rest = Set(
        stored.names.filter { !own.contains($0) && reading.binding.carrier(of: $0) == nil })
      guard !rest.isEmpty else { continue }
      let other = readings.first { other in
        other.evidence.layout.id == reading.evidence.layout.id
          && rest.isSubset(of: other.binding.tensors.lazy.flatMap(\.pieces))
      }
      guard let other else { continue }
      return problem(reading.evidence.layout, other.evidence.layout, rest.sorted())
    }
    return nil
  }

  private static func problem(_ layout: Layout, _ other: Layout, _ names: [String]) -> Problem {
    Problem(
      .invalid, "tensors of two forms of layout \(layout.id) are stored at once",
      tensor: NameFolding.summary(names),
      expected: "\(layout.form.name), or \(other.form.name)",
      found: "both", remedy: "leave out the tensors of one form")
  }
}
