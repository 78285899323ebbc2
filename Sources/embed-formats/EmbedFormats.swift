import Foundation

/// Writes a Swift source that holds the text of the given files, in lists.
///
/// Arguments: the file to write, then for each list `--list`, its name and the files to embed.
@main
struct EmbedFormats {
  static func main() throws {
    let arguments = CommandLine.arguments.dropFirst()
    guard let output = arguments.first else { return }
    let lists = try arguments.dropFirst().split(separator: "--list").map(declaration)
    let source = """
      /// The files of `formats/`, embedded when the toolkit was built.
      enum FormatFiles {
      \(lists.joined(separator: "\n"))
      }

      """
    try source.write(toFile: output, atomically: true, encoding: .utf8)
  }

  /// The declaration of one list: its name, then the files.
  private static func declaration(_ list: ArraySlice<String>) throws -> String {
    let entries = try list.dropFirst().map { path in
      let text = try String(contentsOfFile: path, encoding: .utf8)
      let name = URL(fileURLWithPath: path).lastPathComponent
      return "    (name: \"\(name)\", text: ####\"\"\"\n\(text)\n\"\"\"####),\n"
    }
    return """
        static let \(list.first ?? ""): [(name: String, text: String)] = [
      \(entries.joined())  ]
      """
  }
}
