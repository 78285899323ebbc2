import JSON
import Tensors

/// How codes are written into the parts of a library.
protocol PackingWriter: Sendable {
  func weight(_ rows: any CodedRows, _ module: String, _ type: ScalarType?) throws
    -> RecodedWeight
  func claim(_ entries: [String: JSONValue], _ plain: [String], _ named: Set<String>) throws
    -> JSONValue
}

extension PackingWriter {
  /// The rows in the first of some forms that keeps all values.
  func recoded(_ rows: any CodedRows, as forms: [CodedForm], for library: String) throws
    -> RecodedRows
  {
    var obstacle = RecodingObstacle("a form of \(library)", rows.form.text)
    for form in forms {
      do { return try RecodedRows(rows, as: form) } catch let found as RecodingObstacle {
        obstacle = found
      }
    }
    throw obstacle
  }

  /// The types that scales may have, without those that come twice.
  func types(_ types: ScalarType?...) -> [ScalarType] {
    types.compactMap(\.self).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }

  /// The one entry that all modules have.
  func onlyEntry(_ entries: [String: JSONValue], of library: String) throws -> JSONValue {
    let all = Set(entries.values)
    guard let first = all.first, all.count == 1 else {
      throw RecodingObstacle(
        "the same bits and groups in all weights, as \(library) has them",
        all.map { $0.text(indent: 0) }.sorted().joined(separator: "; "))
    }
    return first
  }

  /// The entry that most modules have.
  func commonEntry(_ entries: [String: JSONValue]) -> JSONValue? {
    let counts = Dictionary(grouping: entries.values, by: { $0 }).mapValues(\.count)
    return counts.max { ($0.value, $1.key.text(indent: 0)) < ($1.value, $0.key.text(indent: 0)) }?
      .key
  }
}

extension CodedForm {
  /// The type of scales that are floats.
  var scaleType: ScalarType? {
    if case .float(let type) = scales { return type }
    return nil
  }

  /// The form with scales of another type.
  func with(scales type: ScalarType) -> CodedForm {
    var form = self
    form.scales = .float(type)
    return form
  }
}
