import Foundation
import GraftTestSupport
import SystemPackage
import Testing

/// Paths that lead to something else than files and directories of files.
@Suite struct OddFileTests {
  private let checkpoint: EditableCheckpoint

  init() throws { checkpoint = try EditableCheckpoint("options/gdn-small") }

  @Test func pathsThatAreNoCheckpoint() throws {
    let empty = checkpoint.beside("empty")
    try FileManager.default.createDirectory(
      atPath: empty.string, withIntermediateDirectories: false)
    let cases: [(String, Int32)] = [
      (checkpoint.beside("nowhere").string, 66), (empty.string, 66), ("/dev/null", 65),
      (checkpoint.path.appending("config.json").string, 69), ("", 66),
      (checkpoint.path.appending("model.safetensors/x").string, 66),
    ]
    for (path, code) in cases {
      for verb in ["inspect", "verify"] {
        let rest = verb == "verify" ? ["--reference", checkpoint.reference] : []
        expectRefusal(try GraftCommand.run([verb, path] + rest, seconds: 10), code, [path])
      }
    }
  }

  @Test(arguments: ["model.safetensors", "config.json"])
  func aPipeInPlaceOfAFileDoesNotHang(_ name: String) throws {
    try checkpoint.remove(name)
    #expect(mkfifo(checkpoint.path.appending(name).string, 0o600) == 0)
    let result = try checkpoint.graft("inspect", seconds: 10)
    expectRefusal(result, result.exitCode ?? -1)
    #expect([65, 66].contains(result.exitCode), "\(result)")
  }

  @Test func aPipeBesideTheWeightsIsNoFileThatTravels() throws {
    #expect(mkfifo(checkpoint.path.appending("pipe").string, 0o600) == 0)
    let result = try checkpoint.graft("convert", checkpoint.beside("out").string, seconds: 10)
    #expect(result.exitCode != nil && !result.wasKilled, "\(result)")
  }

  @Test func aPipeAsPath() throws {
    let pipe = checkpoint.beside("pipe.safetensors")
    #expect(mkfifo(pipe.string, 0o600) == 0)
    expectRefusal(try GraftCommand.run(["inspect", pipe.string], seconds: 10), 65, [pipe.string])
  }

  @Test(arguments: ["model.safetensors", "config.json"])
  func aDirectoryInPlaceOfAFile(_ name: String) throws {
    try checkpoint.remove(name)
    try FileManager.default.createDirectory(
      atPath: checkpoint.path.appending(name).string, withIntermediateDirectories: false)
    let result = try checkpoint.graft("inspect")
    #expect([65, 66].contains(result.exitCode), "\(result)")
    #expect(result.errors.contains(name), "\(result)")
  }

  @Test(.enabled(if: getuid() != 0, "root may read everything"))
  func filesThatMayNotBeRead() throws {
    for name in ["model.safetensors", "config.json"] {
      try FileManager.default.setAttributes(
        [.posixPermissions: 0], ofItemAtPath: checkpoint.path.appending(name).string)
      expectRefusal(try checkpoint.graft("inspect"), 74, [name])
      try FileManager.default.setAttributes(
        [.posixPermissions: 0o644], ofItemAtPath: checkpoint.path.appending(name).string)
    }
  }

  @Test func aCircleOfLinks() throws {
    try checkpoint.remove("model.safetensors")
    try FileManager.default.createSymbolicLink(
      atPath: checkpoint.path.appending("model.safetensors").string,
      withDestinationPath: "model.safetensors")
    let result = try checkpoint.graft("inspect")
    #expect([65, 66, 74].contains(result.exitCode), "\(result)")
  }

  @Test func aFullDisk() throws {
    guard FileManager.default.fileExists(atPath: "/dev/full") else { return }
    let result = try checkpoint.graft("convert", "/dev/full")
    expectRefusal(result, 73, ["/dev/full"])
    expectRefusal(try checkpoint.graft("convert", "/dev/full", "--overwrite"), 73, ["/dev/full"])
  }

  @Test func aPlaceThatTakesNoFiles() throws {
    let result = try checkpoint.graft("convert", "/proc/graft-out")
    expectRefusal(result, 73, ["/proc"])
    let tokens = try checkpoint.folder.write("t.txt", "1 2".utf8)
    let logits = try checkpoint.graft(
      "logits", "--tokens", tokens.string, "--output", "/proc/graft-out.safetensors")
    expectRefusal(logits, 73, ["/proc"])
    let missing = try checkpoint.graft(
      "logits", "--tokens", tokens.string, "--output", checkpoint.beside("no/out").string)
    expectRefusal(missing, 73, [checkpoint.beside("no").string])
  }

  @Test func aResultThatCannotBeWrittenIsAFailure() throws {
    guard FileManager.default.fileExists(atPath: "/dev/full") else { return }
    for options in [[], ["--json"]] {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: GraftCommand.executable.string)
      process.arguments = ["inspect", checkpoint.path.string] + options
      process.standardOutput = FileHandle(forWritingAtPath: "/dev/full")
      process.standardError = FileHandle.nullDevice
      try process.run()
      process.waitUntilExit()
      #expect(process.terminationStatus == 74)
    }
  }

  @Test func theSameFailureAsADocument() throws {
    try checkpoint.remove("config.json")
    let result = try checkpoint.graft("inspect", "--json")
    #expect(result.exitCode == 66)
    let document = try result.json()
    #expect(document["schema"] == "graft.inspect/1")
    let problem = try #require(document["problems"]?.array?.first)
    #expect(problem["kind"] == "missing")
    #expect(problem["file"]?.string == checkpoint.path.appending("config.json").string)
  }
}
