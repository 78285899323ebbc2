import Foundation
import GraftTestSupport
import SystemPackage
import Testing

/// Every command that the README and the documents print runs and prints what they show.
@Suite struct DocumentedCommandsTests {
  private struct Printed {
    let command: String
    /// The lines under it; nil where the document shows none.
    var output: [String]?
  }

  private static let root = Fixtures.directory.removingLastComponent()

  private static let documents: [String] = {
    let articles = EditableCheckpoint.names(in: root.appending("docs/Graft.docc"))
    return ["README.md", "docs/splice.md"]
      + articles.filter { $0.hasSuffix(".md") }.map { "docs/Graft.docc/" + $0 }
  }()

  /// The lines of the fenced blocks that name no language.
  private func blocks(_ text: String) -> [[String]] {
    var blocks: [[String]] = []
    var fence: String?
    for line in text.split(separator: "\n").map(String.init) {
      if line.hasPrefix("```") {
        fence = fence == nil ? line : nil
        blocks.append([])
      } else if fence == "```" {
        blocks[blocks.count - 1].append(line)
      }
    }
    return blocks
  }

  /// The commands in the fenced blocks of a text: behind prompts, or every line that begins with graft.
  private func commands(_ text: String) -> [Printed] {
    blocks(text).flatMap { lines -> [Printed] in
      guard lines.contains(where: { $0.hasPrefix("$ ") }) else {
        return lines.filter { $0.hasPrefix("graft ") }.map { Printed(command: $0, output: nil) }
      }
      return lines.reduce(into: []) { found, line in
        if line.hasPrefix("$ ") {
          found.append(Printed(command: String(line.dropFirst(2)), output: []))
        } else if let last = found.indices.last {
          found[last].output?.append(line)
        }
      }
    }
  }

  /// A folder in which the commands find what they name.
  private func workplace() throws -> TemporaryDirectory {
    let folder = try TemporaryDirectory()
    for name in ["fixtures", "recipes", "formats", "scripts"] {
      try FileManager.default.createSymbolicLink(
        atPath: folder.path.appending(name).string,
        withDestinationPath: Self.root.appending(name).string)
    }
    let build = folder.path.appending(".build")
    try FileManager.default.createDirectory(
      atPath: build.string, withIntermediateDirectories: false)
    let text = try Fixtures.bytes("scripts/make_tokenizers.py")
    try Data((0..<6).flatMap { _ in text }).write(
      to: URL(fileURLWithPath: build.appending("python.bin").string))
    return folder
  }

  /// A line without its numbers, whose last digits differ between machines.
  private func shape(_ line: String) -> String {
    line.replacing(/[0-9][0-9., ]*(e[-+]?[0-9]+)?/, with: "#").split(separator: " ").joined(
      separator: " ")
  }

  @Test(arguments: documents) func everyCommandRuns(_ document: String) throws {
    let text = String(decoding: try Fixtures.contents(Self.root.appending(document)), as: UTF8.self)
    let folder = try workplace()
    for printed in commands(text) {
      let words = printed.command.split(separator: " ").dropFirst().map(String.init)
      let result = try GraftCommand.run(words, seconds: 240, directory: folder.path)
      let isRefusal =
        printed.command.contains("--explain") || printed.output?.first?.hasPrefix("graft ") == true
      #expect(result.exitCode == (isRefusal ? 69 : 0), "\(document): \(result)")
      guard let output = printed.output else { continue }
      let lines = (result.output + result.errors).split(separator: "\n").map(String.init)
      #expect(lines.map(shape) == output.map(shape), "\(document): \(printed.command)")
    }
  }

  @Test func commandsAreFound() throws {
    let text = String(
      decoding: try Fixtures.contents(Self.root.appending("README.md")), as: UTF8.self)
    let found = commands(text)
    #expect(found.count >= 14 && found.filter { $0.output != nil }.count >= 10)
  }
}
