import Canonical
import Foundation
import GraftTestSupport
import Opening
import Runtime
import SystemPackage
import Verification

/// The smallest change of each kind of tensor that verify sees with what an original recorded: there no
/// values can be compared, and a layer's own outputs have to show it.
struct DetectionLimits {
  /// The smallest relative changes that fail, of a whole tensor and of its largest element; nil where
  /// none of those tried does.
  struct Row {
    let role: String
    let whole, element: Double?
  }

  let rows: [Row]

  /// Changes one tensor of every kind, in the first layer that has it.
  init(_ fixture: String) throws {
    let path = Fixtures.path(fixture)
    let model = try OpenedModel(path, catalogue: .builtIn()).canonical
    let reference = try ReferenceFile(path.appending("reference.safetensors"))
    let roles = Dictionary(grouping: model.tensors.keys, by: \.name).compactMap { _, roles in
      roles.min { ($0.layer ?? 0, $0.expert ?? 0) < ($1.layer ?? 0, $1.expert ?? 0) }
    }.sorted { $0.name < $1.name }
    rows = try roles.map { role in
      func smallest(_ isWhole: Bool) throws -> Double? {
        try Self.sizes.prefix { size in
          !(try Self.changed(model, role, by: size, isWhole).passes(reference))
        }.last
      }
      return Row(role: role.name, whole: try smallest(true), element: try smallest(false))
    }
  }

  private static let sizes = [0.1, 0.03, 0.01, 0.003, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6, 1e-6]

  private static func changed(
    _ model: CanonicalModel, _ role: Role, by size: Double, _ isWhole: Bool
  ) throws -> CanonicalModel {
    var changed = model
    guard let tensor = model.tensors[role] else { return model }
    var values = try tensor.floats()
    let largest = values.indices.max { values[$0].magnitude < values[$1].magnitude } ?? 0
    for index in isWhole ? Array(values.indices) : [largest] {
      values[index] *= Float(1 + size)
    }
    changed.tensors[role] = CanonicalTensor(
      shape: tensor.shape, values: values, origin: tensor.origin)
    return changed
  }

  /// The table of several checkpoints.
  static func table(_ fixtures: [String]) throws -> String {
    let head = "| tensor | checkpoint | all of it | one element |\n| --- | --- | --- | --- |"
    func text(_ size: Double?) -> String { size.map { String(format: "%.0e", $0) } ?? "–" }
    return try
      ([head]
      + fixtures.flatMap { fixture in
        try DetectionLimits(fixture).rows.map {
          "| `\($0.role)` | `\(fixture)` | \(text($0.whole)) | \(text($0.element)) |"
        }
      }).joined(separator: "\n")
  }
}

extension CanonicalModel {
  fileprivate func passes(_ reference: ReferenceFile) throws -> Bool {
    try Verifier(Model(self), gate: .f32, threads: 1)
      .compare(with: reference, file: "reference").passes
  }
}
