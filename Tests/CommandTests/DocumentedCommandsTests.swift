import Foundation
import GraftTestSupport
import SystemPackage
import Testing

/// Every command that the README and the documents print runs and prints what they show.
@Suite struct DocumentedCommandsTests {
  private static let root = Fixtures.directory.removingLastComponent()

  /// All pages with commands but that of the messages, which another test makes.
  private static let documents = pages.filter {
    $0 != "docs/errors.md" && !((try? PrintedCommand.all(in: text($0))) ?? []).isEmpty
  }

  private static let pages: [String] = {
    func pages(_ folder: String) -> [String] {
      EditableCheckpoint.names(in: root.appending(folder))
        .filter { $0.hasSuffix(".md") }.map { "\(folder)/\($0)" }
    }
    return ["README.md"] + pages("docs") + pages("docs/Graft.docc")
  }()

  private static func text(_ document: String) throws -> String {
    String(decoding: try Fixtures.contents(root.appending(document)), as: UTF8.self)
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
    let rows = (0..<2).map { row in (0..<64).map { "\(($0 * 37 + row * 11) % 200)" } }
    let ids = "[" + rows.map { "[\($0.joined(separator: ","))]" }.joined(separator: ",") + "]"
    try Data(ids.utf8).write(
      to: URL(fileURLWithPath: folder.path.appending(PrintedCommand.idFile).string))
    let text = try Fixtures.bytes("scripts/make_tokenizers.py")
    try Data((0..<6).flatMap { _ in text }).write(
      to: URL(fileURLWithPath: build.appending("python.bin").string))
    return folder
  }

  /// A line without its numbers, whose last digits differ between machines.
  private func shape(_ line: String) -> String {
    line.replacing(/[0-9]+( [0-9]{3})*(\.[0-9]+)?(e[-+]?[0-9]+)?/, with: "#").split(separator: " ")
      .joined(
        separator: " ")
  }

  @Test(arguments: documents) func everyCommandRuns(_ document: String) throws {
    let folder = try workplace()
    for printed in PrintedCommand.all(in: try Self.text(document)) {
      let result = try GraftCommand.run(printed.words, seconds: 240, directory: folder.path)
      #expect(result.exitCode == (printed.isRefusal ? 69 : 0), "\(document): \(result)")
      guard let output = printed.output else { continue }
      let lines = (result.output + result.errors).split(separator: "\n").map(String.init)
      #expect(lines.map(shape) == output.map(shape), "\(document): \(printed.words)")
    }
  }

  @Test func programsArePrintedAsTheyAre() throws {
    let program = try Self.text("scripts/train_spliced.py")
    let start = try #require(program.range(of: "import sys"))
    let page = try Self.text("docs/Graft.docc/SpliceToFineTune.md")
    #expect(page.contains("```python\n" + program[start.lowerBound...] + "```\n"))
  }

  /// Links to files of the repository lead somewhere.
  @Test func linksLeadToFiles() throws {
    for document in Self.pages + ["CONTRIBUTING.md", "formats/README.md"] {
      let folder = Self.root.appending(document).removingLastComponent()
      for link in try Self.text(document).matches(of: /\]\((?<path>[^)#:\s]+)(#[^)]*)?\)/) {
        let path = folder.appending(String(link.path)).string
        #expect(FileManager.default.fileExists(atPath: path), "\(document): \(link.path)")
      }
    }
  }

  @Test func commandsAreFound() throws {
    let found = PrintedCommand.all(in: try Self.text("README.md"))
    #expect(found.count == 5 && found.count { $0.output?.isEmpty == false } >= 4)
    let pages = try Self.documents.flatMap { PrintedCommand.all(in: try Self.text($0)) }
    #expect(pages.count >= 45 && pages.count { $0.output != nil } >= 18)
  }
}
