import Foundation
import GraftTestSupport

/// A place in `Sources` that makes a problem, as the text of the source has it.
struct SourceProblem {
  let file: String
  /// What is wrong, with interpolations as they are written.
  let what: String

  /// Every place that gives the clause as a text in one piece.
  static func all() throws -> [SourceProblem] {
    let root = Fixtures.directory.removingLastComponent().appending("Sources").string
    let files = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
    return try files.filter { $0.hasSuffix(".swift") && !$0.hasPrefix("graft-bench") }.sorted()
      .flatMap { file in
        let text = try String(contentsOfFile: root + "/" + file, encoding: .utf8)
        return text.matches(of: #/\bProblem\(\s*\.\w+,\s*"((?:[^"\\]|\\.|\\\([^)]*\))*)"/#)
          .map { SourceProblem(file: file, what: String($0.output.1)) }
      }
  }

  /// Whether a message begins with the clause, or one of a list of messages does.
  func matches(_ text: String) -> Bool {
    let pieces = what.split(
      separator: #/\\\((?:[^()]|\([^()]*\))*\)/#, omittingEmptySubsequences: false
    )
    .map { $0.replacing("\\\"", with: "\"") }
    return text.split(separator: "\n").contains { line in
      var rest = line[...]
      for piece in pieces where !piece.isEmpty {
        guard let place = rest.firstRange(of: piece) else { return false }
        rest = rest[place.upperBound...]
      }
      return pieces.contains { !$0.isEmpty }
    }
  }
}
