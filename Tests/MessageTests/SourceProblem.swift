import Foundation
import GraftTestSupport

/// A place in `Sources` that makes a problem, as the text of the source has it.
struct SourceProblem {
  let file: String
  /// What is wrong, with interpolations as they are written.
  let what: String
  /// The clause between interpolations.
  private let pieces: [String]

  private init(file: String, what: String) {
    (self.file, self.what) = (file, what)
    pieces = what.split(
      separator: #/\\\((?:[^()]|\([^()]*\))*\)/#, omittingEmptySubsequences: false
    )
    .map { String($0.replacing("\\\"", with: "\"")) }.filter { !$0.isEmpty }
  }

  /// Every place that gives the clause as a text in one piece.
  static func all() throws -> [SourceProblem] {
    let root = Fixtures.directory.removingLastComponent().appending("Sources").string
    let files = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
    return try files.filter { $0.hasSuffix(".swift") && !$0.hasPrefix("graft-bench") }.sorted()
      .flatMap { file -> [SourceProblem] in
        // Only what follows the name is looked at, because expressions are slow on whole files.
        let calls = try String(contentsOfFile: root + "/" + file, encoding: .utf8)
          .components(separatedBy: "Problem(")
        return zip(calls, calls.dropFirst()).compactMap { before, call in
          guard before.last.map({ $0.isLetter || $0.isNumber || $0 == "_" }) != true,
            let match = call.prefixMatch(of: #/\s*\.\w+,\s*"((?:[^"\\]|\\.|\\\([^)]*\))*)"/#)
          else { return nil }
          return SourceProblem(file: file, what: String(match.output.1))
        }
      }
  }

  /// Whether a line of some text holds the clause.
  /// - Parameter text: lines, ended by zero; searched by the C library, because there are many.
  func isSaid(in text: UnsafePointer<CChar>) -> Bool {
    guard let first = pieces.first else { return false }
    var place = strstr(text, first)
    while let start = place {
      let line = String(
        decoding: UnsafeRawBufferPointer(start: start, count: length(start)), as: UTF8.self)
      if Self.holds(line[...], pieces) { return true }
      place = strstr(start + 1, first)
    }
    return false
  }

  private func length(_ start: UnsafePointer<CChar>) -> Int { strcspn(start, "\n") }

  /// Whether all pieces stand in a line, in order.
  private static func holds(_ line: Substring, _ pieces: [String]) -> Bool {
    var rest = line
    for piece in pieces {
      guard let place = rest.firstRange(of: piece) else { return false }
      rest = rest[place.upperBound...]
    }
    return true
  }
}
