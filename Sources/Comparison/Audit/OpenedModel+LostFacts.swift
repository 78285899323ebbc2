import Canonical
import Layouts
import Opening

extension OpenedModel {
  /// Facts that converters into the layout do not write: the files may be those of a model that has others.
  var lostFindings: [AuditFinding] {
    let said = Set(assumptions.map(\.subject))
    let asked = layout.lostFacts.filter { name in
      !said.contains(name) && configuration.layers.contains { $0.values[name] != nil }
    }
    guard !asked.isEmpty else { return [] }
    let taken = asked.map { "\($0) (taken as \((layout.layerSemantics[$0] ?? .none).text))" }
    return [
      AuditFinding(
        severity: .warning, kind: "lost", tensor: nil, file: checkpoint.weightsPath.string,
        text: "the file does not say \(taken.joined(separator: ", ")): converters lose what the "
          + "config of the model says of them; give it with --assume \(asked[0])=VALUE where it is another"
      )
    ]
  }
}
