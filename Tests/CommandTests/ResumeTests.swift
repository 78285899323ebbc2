import Foundation
import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// Conversions in parts, conversions that were stopped, and two at a time.
@Suite struct ResumeTests {
  private let folder: TemporaryDirectory
  private let source: EditableCheckpoint
  private var target: FilePath { folder.path.appending("out") }
  private var partial: FilePath { folder.path.appending("out.graft-partial") }

  init() throws {
    folder = try TemporaryDirectory()
    source = try EditableCheckpoint("options/bf16-sharded")
  }

  private func convert(_ options: String..., to target: FilePath? = nil) throws -> CommandResult {
    try GraftCommand.run(
      ["convert", source.path.string, (target ?? self.target).string, "--max-shard-size", "20KB"]
        + options)
  }

  private func files(_ path: FilePath) throws -> [String: Data] {
    let names = try FileManager.default.contentsOfDirectory(atPath: path.string)
    return Dictionary(
      uniqueKeysWithValues: try names.map { ($0, try Data(Fixtures.contents(path.appending($0)))) })
  }

  private func expectNothingBut(_ names: [String]) throws {
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.path.string).sorted() == names)
  }

  /// What one run writes.
  private func whole() throws -> [String: Data] {
    let path = folder.path.appending("whole")
    expectSuccess(try convert(to: path))
    defer { try? FileManager.default.removeItem(atPath: path.string) }
    return try files(path)
  }

  @Test(arguments: ["safetensors", "torch", "npz"])
  func threadsDoNotShow(container: String) throws {
    let runs = try ["1", "2", "7"].map { threads in
      let path = folder.path.appending("j\(threads)")
      expectSuccess(
        try convert("-j", threads, "--container", container, "--dtype", "f32", to: path))
      return try files(path)
    }
    #expect(runs[0].count > 4 && runs[1] == runs[0] && runs[2] == runs[0])
  }

  @Test func partsTogetherAreTheWhole() throws {
    let expected = try whole()
    #expect(try convert("--finish").exitCode == 66)
    try expectNothingBut([])
    for part in ["2/3", "3/3", "1/3"] {
      let early = try convert("--finish")
      #expect(early.exitCode == 66, "\(early)")
      #expect(try convert("--part", part, "--mtp", "drop").exitCode == (part == "2/3" ? 0 : 73))
      if part == "2/3" { try FileManager.default.removeItem(atPath: partial.string) }
      expectSuccess(try convert("--part", part))
      try expectNothingBut(["out.graft-partial"])
    }
    expectSuccess(try convert("--finish"))
    try expectNothingBut(["out"])
    #expect(try files(target) == expected)
  }

  @Test func partsOfOtherConversionsAreRefusedByName() throws {
    expectSuccess(try convert("--part", "1/2"))
    let other = try convert("--part", "2/2", "--dtype", "f32")
    #expect(other.exitCode == 73 && other.errors.contains("--dtype keep"), "\(other)")
    let count = try convert("--part", "2/3")
    #expect(count.exitCode == 73 && count.errors.contains("one of 2"), "\(count)")
    let plain = try convert()
    #expect(plain.exitCode == 73 && plain.errors.contains("--part"), "\(plain)")
    expectSuccess(try convert("--part", "2/2"))
    let finish = try convert("--finish", "--dtype", "f32")
    #expect(finish.exitCode == 73 && finish.errors.contains("--dtype keep"), "\(finish)")
    try expectNothingBut(["out.graft-partial"])
  }

  @Test func aDamagedPartIsNotFinished() throws {
    expectSuccess(try convert("--part", "1/1"))
    let name = try #require(files(partial.appending("out")).keys.sorted().first)
    try flip(partial.appending("out/\(name)"))
    let finish = try convert("--finish")
    #expect(finish.exitCode == 65 && finish.errors.contains(name), "\(finish)")
    try expectNothingBut(["out.graft-partial"])
  }

  private func flip(_ path: FilePath) throws {
    var bytes = try Fixtures.contents(path)
    bytes[bytes.count - 1] ^= 1
    try Data(bytes).write(to: URL(fileURLWithPath: path.string))
  }

  /// One part of one is what a run leaves that is killed before the end.
  @Test func whatIsFinishedIsKept() throws {
    let expected = try whole()
    expectSuccess(try convert("--part", "1/1"))
    let all = try files(partial.appending("out")).count
    let again = try convert("--json")
    #expect(try again.json()["resumed_files"]?.int == all, "\(again)")
    #expect(try files(target) == expected)
    try expectNothingBut(["out"])
  }

  @Test func onlyTheHashMakesAFileFinished() throws {
    let expected = try whole()
    expectSuccess(try convert("--part", "1/1"))
    let shards = try files(partial.appending("out")).keys.sorted()
    try flip(partial.appending("out/\(shards[0])"))
    try FileManager.default.removeItem(atPath: partial.appending("out/\(shards[1])").string)
    let journal = partial.appending("journal-1-of-1.jsonl")
    var lines = try Fixtures.contents(journal)
    lines.removeLast(10)
    try Data(lines).write(to: URL(fileURLWithPath: journal.string))
    let again = try convert("--json")
    let kept = try #require(try again.json()["resumed_files"]?.int)
    #expect(kept <= shards.count - 2 && kept >= shards.count - 3, "\(again)")
    #expect(try files(target) == expected)
  }

  @Test(arguments: ["options", "source", "journal"])
  func anotherConversionBeginsAnew(change: String) throws {
    expectSuccess(try convert("--part", "1/1"))
    switch change {
    case "source":
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSince1970: 1e9)],
        ofItemAtPath: source.path.appending("config.json").string)
    case "journal":
      try FileManager.default.removeItem(
        atPath: partial.appending("journal-1-of-1.jsonl").string)
    default: break
    }
    let again = try change == "options" ? convert("--dtype", "f32") : convert()
    expectSuccess(again)
    #expect(again.output.contains("begun anew"), "\(again)")
    try expectNothingBut(["out"])
  }

  /// Ctrl-C leaves nothing; a process that is killed leaves what the next one replaces.
  @Test(arguments: [SIGINT, SIGKILL]) func aStoppedRunCanBeRunAgain(signal: Int32) throws {
    let big = try LargeCheckpoint(in: folder.path, megabytes: 400)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: GraftCommand.executable.string)
    process.arguments = [
      "convert", big.path.string, target.string, "--dtype", "bf16", "--allow", "lossy",
    ]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    while process.isRunning,
      !FileManager.default.fileExists(atPath: partial.appending("out/model.safetensors").string)
    { usleep(1000) }
    kill(process.processIdentifier, signal)
    process.waitUntilExit()
    if signal == SIGINT {
      #expect(process.terminationStatus == 130)
      try expectNothingBut(["big"])
    } else {
      try expectNothingBut(["big", "out.graft-partial"])
    }
    let again = try GraftCommand.run(
      ["convert", big.path.string, target.string, "--no-manifest", "-q"], seconds: 120)
    expectSuccess(again)
    try expectNothingBut(["big", "out"])
  }

  /// Memory does not grow with tensors, whatever is done with them.
  @Test(arguments: [
    [], ["--dtype", "bf16", "--allow", "lossy"], ["--container", "npz"],
  ])
  func memoryIsBounded(options: [String]) throws {
    let big = try LargeCheckpoint(in: folder.path, megabytes: 400)
    let result = try GraftCommand.run(
      ["convert", big.path.string, target.string, "-q", "-j", "2"] + options, seconds: 300)
    expectSuccess(result)
    #expect((result.peakMemory ?? 0) < 64 << 20, "\(result.peakMemory ?? 0) bytes")
  }
}
