import Foundation

/// Writes a Swift source that holds the text of the given files.
///
/// Arguments: the file to write, then the files to embed.
@main
struct EmbedFormats {
  static func main() throws {
    let arguments = CommandLine.arguments.dropFirst()
    guard let output = arguments.first else { return }
    let entries = try arguments.dropFirst().map { path in
      let text = try String(contentsOfFile: path, encoding: .utf8)
      let name = URL(fileURLWithPath: path).lastPathComponent
      return "    (name: \"\(name)\", text: ####\"\"\"\n\(text)\n\"\"\"####),\n"
    }
    let source = """
      /// The layout files of `formats/`, embedded when the toolkit was built.
      enum FormatFiles {
        static let all: [(name: String, text: String)] = [
      \(entries.joined())  ]
      }

      """
    try source.write(toFile: output, atomically: true, encoding: .utf8)
  }
}
