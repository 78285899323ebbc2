import JSON
import Opening

extension ValueSign {
  /// What the values say, in one clause.
  var line: String {
    switch verdict {
    case .agrees: "\(subject) agree (\(text))"
    case .undecided: "\(subject) do not tell (\(text))"
    case .contradicts, .refutes: "\(subject) CONTRADICT the layout: \(text); \(remedy ?? "")"
    }
  }

  var json: JSONObject {
    [
      "subject": .string(subject), "verdict": .string(verdict.rawValue), "text": .string(text),
      "remedy": remedy.map { .string($0) } ?? .null,
    ]
  }
}
