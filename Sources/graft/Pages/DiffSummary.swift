import Comparison
import Diagnostics
import JSON
import Reports

/// What `diff` reports.
struct DiffSummary {
  private let diff: CheckpointDiff
  private let here: String
  private let there: String

  init(_ diff: CheckpointDiff, _ here: String, _ there: String) {
    (self.diff, self.here, self.there) = (diff, here, there)
  }

  /// The report as the fields of a document.
  var json: JSONObject {
    [
      "same": .bool(diff.isSame), "matched_by": .string(diff.basis.rawValue),
      "compared": JSONValue(diff.compared),
      "tensors": .array(diff.tensors.map { .object(document($0)) }),
      "config": .array(
        diff.config.map {
          .object([
            "key": .string($0.key), "a": $0.here.map { .string($0) } ?? .null,
            "b": $0.there.map { .string($0) } ?? .null,
          ])
        }),
      "files": .array(
        diff.files.map {
          .object(["name": .string($0.name), "a": .bool($0.isHere), "b": .bool($0.isThere)])
        }),
    ]
  }

  /// The report for a person.
  func text(verbose: Bool) -> [String] {
    [headline] + onOneSide + shapes + types + values(verbose) + config + files
  }

  /// What was compared, and whether it is the same.
  var headline: String {
    let by = diff.basis == .names ? "stored names" : "canonical roles"
    let counts =
      diff.isSame
      ? Quantity.of(diff.compared, "tensor")
      : "\(Quantity.of(diff.tensors.count, "tensor")) unlike, \(Quantity.count(diff.compared)) compared"
    return "\(diff.isSame ? "same" : "differs"): \(here) and \(there), \(counts) by \(by)"
  }

  /// What is stored otherwise, in one line, for a reader who has the verdict already.
  var storage: String {
    guard !diff.isSame else { return "stored alike" }
    let counts = [
      (diff.tensors.count { $0.there == nil }, "only in the first"),
      (diff.tensors.count { $0.here == nil }, "only in the second"),
      (count { $0.shape != $1.shape }, "of another shape"),
      (count { $0.type != $1.type }, "of another dtype"),
      (diff.tensors.count { $0.values.map { $0.changed > 0 } ?? false }, "of other values"),
    ].filter { $0.0 > 0 }.map { "\(Quantity.of($0.0, "tensor")) \($0.1)" }
    let keys = diff.basis == .names ? "config key" : "fact"
    let config = diff.config.isEmpty ? [] : [Quantity.of(diff.config.count, keys)]
    guard !(counts + config).isEmpty else {
      return "stored alike; only files beside the weights differ: "
        + diff.files.map(\.name).joined(separator: ", ")
    }
    let files = diff.files.isEmpty ? [] : [Quantity.of(diff.files.count, "file") + " beside"]
    return "stored otherwise: \((counts + config + files).joined(separator: ", "))"
  }

  /// The tensors of both whose stored forms differ in some way.
  private func count(_ differ: (CheckpointDiff.Side, CheckpointDiff.Side) -> Bool) -> Int {
    diff.tensors.count { tensor in
      guard let here = tensor.here, let there = tensor.there else { return false }
      return differ(here, there)
    }
  }

  private var onOneSide: [String] {
    [
      ("only in the first", diff.tensors.filter { $0.there == nil }),
      ("only in the second", diff.tensors.filter { $0.here == nil }),
    ].flatMap { what, tensors in
      folded(tensors).map { "  \(what): \($0)" }
    }
  }

  private var shapes: [String] {
    diff.tensors.compactMap { tensor in
      guard let here = tensor.here, let there = tensor.there, here.shape != there.shape else {
        return nil
      }
      return "  shape of \(tensor.name): \(here.shape) and \(there.shape)"
    }
  }

  private var types: [String] {
    var order: [String] = []
    var names: [String: [CheckpointDiff.Tensor]] = [:]
    for tensor in diff.tensors {
      guard let here = tensor.here, let there = tensor.there, here.type != there.type else {
        continue
      }
      let key = "\(here.type.rawValue) and \(there.type.rawValue)"
      if names[key] == nil { order.append(key) }
      names[key, default: []].append(tensor)
    }
    return order.flatMap { key in folded(names[key] ?? []).map { "  \(key): \($0)" } }
  }

  private func values(_ isVerbose: Bool) -> [String] {
    let rows = diff.tensors.compactMap { tensor in tensor.values.map { (tensor.name, $0) } }
      .filter { $0.1.changed > 0 }
    guard !rows.isEmpty else { return [] }
    let shown = isVerbose ? rows.count : Self.mostRows
    var table = TextTable(header: ["values of", "changed", "max abs", "relative"], leading: 1)
    for (name, values) in rows.sorted(by: { $0.1.maxAbs > $1.1.maxAbs }).prefix(shown) {
      table.add([
        name, "\(Quantity.count(values.changed)) of \(Quantity.count(values.count))",
        Quantity.significant(values.maxAbs), Quantity.significant(values.maxRelative),
      ])
    }
    return table.lines(width: Terminal.columns)
      + (rows.count > shown ? ["  and \(rows.count - shown) more; -v shows all"] : [])
  }

  /// The rows of values that are shown unless more is asked for.
  private static let mostRows = 20

  private var config: [String] {
    diff.config.map { "  \($0.key): \($0.here ?? "nothing") and \($0.there ?? "nothing")" }
  }

  private var files: [String] {
    diff.files.map { file in
      let how =
        file.isHere && file.isThere
        ? "other bytes" : "only in the \(file.isHere ? "first" : "second")"
      return "  \(file.name): \(how)"
    }
  }

  private func folded(_ tensors: [CheckpointDiff.Tensor]) -> [String] {
    NameFolding.fold(tensors.map { $0.name.replacing(" of layer ", with: " of layer.") })
      .map { $0.replacing(" of layer.", with: " of layer ") }
  }

  private func document(_ tensor: CheckpointDiff.Tensor) -> JSONObject {
    func document(_ side: CheckpointDiff.Side?) -> JSONValue {
      guard let side else { return .null }
      return .object([
        "dtype": .string(side.type.rawValue), "shape": .array(side.shape.map { JSONValue($0) }),
      ])
    }
    var object: JSONObject = [
      "name": .string(tensor.name), "a": document(tensor.here), "b": document(tensor.there),
    ]
    object["values"] = tensor.values.map { values in
      .object([
        "count": JSONValue(values.count), "changed": JSONValue(values.changed),
        "max_abs": JSONValue(values.maxAbs), "max_relative": JSONValue(values.maxRelative),
      ])
    }
    return object
  }
}
