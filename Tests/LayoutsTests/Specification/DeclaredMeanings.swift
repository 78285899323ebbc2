import Foundation
import GraftTestSupport

/// What facts mean: the sentences that stand before the properties that hold them.
///
/// A fact and its property meet in the list of a type's facts, `.integer("gdn.k_heads", \.keyHeads)`; a
/// comment above an entry of the list says it where there is no property.
struct DeclaredMeanings {
  private var meanings: [String: String] = [:]

  subscript(name: String) -> String { meanings[name] ?? SpecificationPage.unwritten }

  init() throws {
    let folder = Fixtures.directory.removingLastComponent().appending("Sources/Canonical").string
    let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
    let files = try names.filter { $0.hasSuffix(".swift") }.sorted().map {
      try String(contentsOfFile: folder + "/" + $0, encoding: .utf8)
    }
    for file in files {
      let entries = file.matches(of: Self.entry)
      for (entry, next) in zip(entries, entries.dropFirst().map { Optional($0) } + [nil]) {
        let rest = file[entry.range.upperBound..<(next?.range.lowerBound ?? file.endIndex)]
        let path = rest.firstMatch(of: Self.path)?.output.1.split(separator: ".").map(String.init)
        meanings[String(entry.output.2)] =
          entry.output.1.map(Self.sentence) ?? Self.sentence(of: path ?? [], in: file, files)
      }
    }
  }

  /// The beginning of an entry of a list of facts: the comment above it, if any, and the name.
  nonisolated(unsafe) private static let entry =
    #/((?:\n +\/\/ [^\n]*)+)?\n +(?:\.\w+|FactDescription)\(\s*"([\w.]+)"/#

  /// The property that the rest of an entry names, as a key path or inside a closure.
  nonisolated(unsafe) private static let path = #/(?:\\\.|\$0\.)([\w.]+)/#

  /// What stands before a property, which may be one of a property.
  private static func sentence(of path: [String], in file: String, _ files: [String]) -> String? {
    let type = path.count > 1 ? type(of: path[0], in: [file] + files) : nil
    let home = type.flatMap { type in files.first { $0.contains("struct \(type):") } }
    return sentence(
      before: (type == nil ? path.first : path.last) ?? "", in: [home ?? file] + files)
  }

  /// The type of a property that some extension or the type's own file declares with a value.
  private static func type(of property: String, in files: [String]) -> String? {
    guard let pattern = try? Regex("var \(property) = (\\w+)\\(") else { return nil }
    return files.lazy.compactMap { $0.firstMatch(of: pattern)?.output[1].substring }.first
      .map(String.init)
  }

  private static func sentence(before property: String, in files: [String]) -> String? {
    guard !property.isEmpty,
      let pattern = try? Regex(
        "((?: +///[^\\n]*\\n)+) +(?:public )?(?:private\\(set\\) )?var \(property)\\b")
    else { return nil }
    return files.lazy.compactMap { $0.firstMatch(of: pattern)?.output[1].substring }.first
      .map(sentence)
  }

  /// A comment as a cell of a table.
  private static func sentence(_ comment: Substring) -> String {
    let lines = comment.split(separator: "\n")
      .map { line in line.drop { $0 == " " || $0 == "/" } }.prefix { !$0.isEmpty }
    let text = lines.joined(separator: " ").replacing("|", with: "\\|")
    return String(
      text.replacing("nil for", with: "none for").replacing("nil where", with: "none where").drop {
        $0 == " "
      }.trimmingSuffix(while: { $0 == "." }))
  }
}

extension StringProtocol {
  fileprivate func trimmingSuffix(while isStray: (Character) -> Bool) -> SubSequence {
    var end = endIndex
    while end > startIndex, isStray(self[index(before: end)]) { end = index(before: end) }
    return self[..<end]
  }
}
