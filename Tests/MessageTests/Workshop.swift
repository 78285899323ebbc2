import Diagnostics
import Foundation
import GraftTestSupport
import Layouts
import Opening
import SystemPackage

/// What a person reads where something goes wrong.
struct Message: Sendable {
  /// The whole text, with paths relative to the folder in which it came up.
  let text: String
  let exitCode: Int32
}

/// A way to provoke a message.
struct MessageCase: Sendable {
  /// What was done, in one clause.
  let when: String
  let provoke: @Sendable (Workshop) throws -> Message

  init(_ when: String, _ provoke: @escaping @Sendable (Workshop) throws -> Message) {
    (self.when, self.provoke) = (when, provoke)
  }
}

/// Messages about one thing.
struct MessageSection: Sendable {
  let title: String
  let cases: [MessageCase]

  init(_ title: String, _ cases: [MessageCase]) { (self.title, self.cases) = (title, cases) }
}

/// Why nothing went wrong, which fails a test.
struct NothingWentWrong: Error {
  let what: String
}

/// A folder in which a case makes what is wrong.
final class Workshop {
  let folder: TemporaryDirectory

  init() throws {
    folder = try TemporaryDirectory()
    try FileManager.default.createSymbolicLink(
      atPath: folder.path.appending("fixtures").string,
      withDestinationPath: Fixtures.directory.string)
  }

  /// Copies a fixture as `model`.
  @discardableResult
  func model(_ fixture: String, _ change: (EditableCheckpoint) throws -> Void = { _ in }) throws
    -> FilePath
  {
    let copy = try EditableCheckpoint(copying: Fixtures.path(fixture), into: folder)
    try change(copy)
    return copy.path
  }

  /// Writes a file.
  @discardableResult
  func file(_ name: String, _ bytes: some Sequence<UInt8>) throws -> FilePath {
    try folder.write(name, bytes)
  }

  /// Runs the tool here and takes what it prints.
  func graft(_ arguments: String...) throws -> Message { try run(arguments) }

  /// Runs the tool here and takes what it prints.
  func run(_ arguments: [String]) throws -> Message {
    let result = try GraftCommand.run(arguments, directory: folder.path)
    guard let code = result.exitCode, code > 1, !result.errors.isEmpty else {
      throw NothingWentWrong(what: "\(result)")
    }
    return Message(text: relative(result.errors), exitCode: code)
  }

  /// Runs a line of a shell here in which `graft` is the tool.
  func shell(_ line: String) throws -> Message {
    let process = Process()
    let errors = Pipe()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", "graft() { \"\(GraftCommand.executable)\" \"$@\"; }; \(line)"]
    process.currentDirectoryURL = URL(fileURLWithPath: folder.path.string)
    process.standardError = errors
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus > 1 else { throw NothingWentWrong(what: line) }
    return Message(text: relative(text), exitCode: process.terminationStatus)
  }

  /// Takes what a part of the toolkit throws.
  func thrown(_ body: () throws -> Any) throws -> Message {
    do {
      throw NothingWentWrong(what: "\(try body())".prefix(200).description)
    } catch let problem as Problem {
      return Message(text: relative(problem.text), exitCode: problem.exitCode)
    }
  }

  /// Opens a checkpoint as `inspect` does.
  func opened(_ path: FilePath) throws -> Message {
    try thrown { try OpenedModel(path, catalogue: .builtIn()) }
  }

  /// Opens a changed copy of a fixture.
  func opened(_ fixture: String, _ change: (EditableCheckpoint) throws -> Void) throws -> Message {
    try opened(model(fixture, change))
  }

  private func relative(_ text: String) -> String {
    text.replacing(folder.path.string + "/", with: "").replacing(folder.path.string, with: ".")
      .replacing(Fixtures.directory.string, with: "fixtures")
      .split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\n")
      .trimmingCharacters(in: .newlines)
  }
}
