import Layouts
import Opening

/// A stored tensor whose values are those of another form than its layout has.
package struct MisstoredTensor: Hashable, Sendable {
  /// How the values differ from what they should be.
  package enum Deviation: Hashable, Sendable {
    /// That much was added to them.
    case added(Int)
    /// They are stored in this form, and the other one is due.
    case decay(Assumption.DecayForm)
  }

  /// The stored name.
  package let name: String
  /// How the values differ.
  package let deviation: Deviation
}

extension OpenedModel {
  /// The norms and decay rates that are stored otherwise than the layout says, as the audit finds them or
  /// the user says.
  /// - Cost: reads norms and decay rates.
  /// - Throws: `Problem` of kind `io` where they cannot be read.
  package func misstored() throws -> [MisstoredTensor] {
    var deviations: [String: MisstoredTensor.Deviation] = [:]
    for one in try layerDeviations() { deviations[one.tensor] = .added(one.offset) }
    for (group, offset) in try levelDeviations() {
      for tensor in group.tensors { deviations[tensor.origin] = .added(offset) }
    }
    for (name, offset) in try normOffsets() { deviations[name] = .added(offset) }
    let forms = try DecayForms(canonical)
    let read = try DecayForms.due(in: layout, configuration)
    for tensor in canonical.tensors(of: DecayForms.roles) {
      let isMisread = forms.misread.contains { $0.origin == tensor.origin }
      let form = isMisread ? forms.read.other : forms.read
      if form != read { deviations[tensor.origin] = .decay(form) }
    }
    return deviations.sorted { $0.key < $1.key }
      .map { MisstoredTensor(name: $0.key, deviation: $0.value) }
  }
}
