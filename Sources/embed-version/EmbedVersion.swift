import Foundation

/// Writes a Swift source that names the commit, if one is known.
///
/// Arguments: the file to write; the file in which `git archive` puts the commit; git's log of HEAD.
@main
struct EmbedVersion {
  static func main() throws {
    let arguments = CommandLine.arguments.dropFirst()
    guard let output = arguments.first else { return }
    let texts = arguments.dropFirst().compactMap {
      try? String(contentsOfFile: $0, encoding: .utf8)
    }
    let commit = texts.lazy.compactMap(commit).first
    let source = """
      /// The commit from which the tool was built.
      enum BuiltCommit {
        /// Its first digits; nil where the sources came without git.
        static let digits: String? = \(commit.map { "\"\($0)\"" } ?? "nil")
      }

      """
    // What has not changed is not written, so that nothing is compiled again.
    guard (try? String(contentsOfFile: output, encoding: .utf8)) != source else { return }
    try source.write(toFile: output, atomically: true, encoding: .utf8)
  }

  /// The commit in the last line of a text: its only word, or as in a log the second.
  private static func commit(_ text: String) -> String? {
    let words = text.split(whereSeparator: \.isNewline).last?.split(separator: " ").prefix(2)
    guard let word = words?.last, word.count >= 12, word.allSatisfy(\.isHexDigit) else {
      return nil
    }
    return String(word.prefix(12))
  }
}
