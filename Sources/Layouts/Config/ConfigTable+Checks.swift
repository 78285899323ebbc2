import Diagnostics
import JSON

extension ConfigTable {
  /// Problems of values whose wrong type would make them look like missing keys.
  func misread(_ object: JSONObject) -> [Problem] {
    parents.compactMap(object.problemUnlessObject)
      + typeKeys.compactMap { key in
        guard let value = object[key], value != .null, value.string == nil else { return nil }
        return ConfigValue.wrongType(value, at: key, expected: "a text or null")
      } + predictionProblem(object)
  }

  /// The keys from which paths lead into objects.
  private var parents: [String] {
    let paths = entries.flatMap(\.place.all)
    return Set(paths.filter { $0.contains("/") }.map { String($0.prefix { $0 != "/" }) }).sorted()
  }

  private func predictionProblem(_ object: JSONObject) -> [Problem] {
    guard let predictionKey, object[predictionKey] != .null else { return [] }
    do {
      _ = try object.integer(at: predictionKey, in: 0...)
      return []
    } catch {
      return error.asProblems
    }
  }
}
