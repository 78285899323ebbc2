import Foundation
import GraftTestSupport
import SystemPackage
import Testing

/// Runs that are ended, crowded or given no room; `make soak` does the same many times.
@Suite struct DisturbedRunTests {
  private static let arguments = ["--dtype", "bf16", "--allow", "lossy"]

  private func start(_ checkpoint: EditableCheckpoint, _ output: FilePath) throws -> RunningCommand
  {
    try RunningCommand(
      ["convert", checkpoint.path.string, output.string] + Self.arguments)
  }

  /// What an undisturbed run writes; the manifest names the source.
  private static let expected = Result { () -> [String: [UInt8]] in
    let checkpoint = try EditableCheckpoint("trained/pytiny")
    let output = checkpoint.beside("out")
    let result = try GraftCommand.run(
      ["convert", checkpoint.path.string, output.string] + arguments)
    #expect(result.exitCode == 0, "\(result)")
    return try files(output)
  }

  private static func files(_ directory: FilePath) throws -> [String: [UInt8]] {
    let names = EditableCheckpoint.names(in: directory).filter { $0 != "graft.json" }
    return try Dictionary(
      uniqueKeysWithValues: names.map { ($0, try Fixtures.contents(directory.appending($0))) })
  }

  /// Whether the output is there; it must be complete then.
  private func isComplete(_ output: FilePath) throws -> Bool {
    guard FileManager.default.fileExists(atPath: output.string) else { return false }
    #expect(try Self.files(output) == Self.expected.get())
    return true
  }

  @Test func killedRunsLeaveNothingHalfWritten() throws {
    var generator = SeededGenerator(seed: 9)
    for _ in 0..<10 {
      let checkpoint = try EditableCheckpoint("trained/pytiny")
      let output = checkpoint.beside("out")
      let run = try start(checkpoint, output)
      usleep(UInt32.random(in: 0..<200_000, using: &generator))
      run.send(SIGKILL)
      _ = try run.finish()
      if try !isComplete(output) {
        let again = try start(checkpoint, output).finish()
        #expect(again.exitCode == 0, "\(again)")
        #expect(try isComplete(output))
      }
      let original = Fixtures.path("trained/pytiny")
      #expect(try Self.files(checkpoint.path) == Self.files(original))
      let others = checkpoint.neighbours.filter { $0 != "out.graft-partial" }
      #expect(others == ["model", "out"])
    }
  }

  @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
  func aSignalRemovesTheOutput(_ signal: Int32) throws {
    var stopped = 0
    for _ in 0..<40 where stopped < 2 {
      let checkpoint = try EditableCheckpoint("trained/pytiny")
      let output = checkpoint.beside("out")
      let run = try start(checkpoint, output)
      while run.isRunning, checkpoint.neighbours == ["model"] { usleep(200) }
      run.send(signal)
      let result = try run.finish()
      let isThere = try isComplete(output)
      #expect(result.exitCode == 128 + signal || result.exitCode == 0 && isThere, "\(result)")
      #expect(checkpoint.neighbours == (isThere ? ["model", "out"] : ["model"]))
      if !isThere, result.errors.contains("removed") { stopped += 1 }
    }
    #expect(stopped == 2, "no run was stopped while it wrote")
  }

  @Test func oneOfTwoRunsWins() throws {
    for _ in 0..<3 {
      let checkpoint = try EditableCheckpoint("trained/pytiny")
      let output = checkpoint.beside("out")
      let runs = [try start(checkpoint, output), try start(checkpoint, output)]
      let results = try runs.map { try $0.finish() }.sorted { $0.exitCode ?? 0 < $1.exitCode ?? 0 }
      #expect(results.map(\.exitCode) == [0, 73], "\(results)")
      #expect(results[1].errors.contains(output.string), "\(results[1])")
      #expect(try isComplete(output))
      #expect(checkpoint.neighbours == ["model", "out"])
    }
  }

  @Test func aFullDiskAndOneThatTakesNothing() throws {
    let checkpoint = try EditableCheckpoint("trained/pytiny")
    for (option, exitCode, words) in [
      ("size=100k", 74, "No space left"), ("size=400k", 74, "No space left"),
      ("size=1m,ro", 73, "Read-only"),
    ] as [(String, Int32, String)] {
      let disk = checkpoint.beside("disk")
      try FileManager.default.createDirectory(
        atPath: disk.string, withIntermediateDirectories: true)
      guard try Self.run("mount", "-t", "tmpfs", "-o", option, "tmpfs", disk.string) == 0 else {
        print("This process may not mount, so that full disks are not tested.")
        return
      }
      defer { _ = try? Self.run("umount", disk.string) }
      let result = try start(checkpoint, disk.appending("out")).finish()
      #expect(result.exitCode == exitCode && result.errors.contains(words), "\(result)")
      #expect(EditableCheckpoint.names(in: disk).isEmpty)
    }
  }

  private static func run(_ words: String...) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = words
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
  }
}
