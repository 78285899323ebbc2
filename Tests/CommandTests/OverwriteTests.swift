import Foundation
import GraftTestSupport
import Platform
import SystemPackage
import Testing

/// What `--overwrite` and every verb that writes a file may replace, and what stays.
@Suite struct OverwriteTests {
  private let checkpoint: EditableCheckpoint
  private let out: FilePath

  init() throws {
    checkpoint = try EditableCheckpoint("options/gdn-small")
    out = checkpoint.beside("out")
  }

  private func overwrite(_ options: String..., from source: FilePath? = nil) throws -> CommandResult
  {
    try GraftCommand.run(
      ["convert", (source ?? checkpoint.path).string, out.string, "--overwrite"] + options)
  }

  private func put(_ name: String, _ bytes: some Sequence<UInt8>) throws {
    try checkpoint.folder.write("out/\(name)", bytes)
  }

  @Test(arguments: [
    ["--container", "torch"], ["--container", "npz"], ["--max-shard-size", "40KB"],
    ["--max-shard-size", "40KB", "--container", "npz", "--no-manifest"], ["--no-manifest"],
  ]) func anOutputOfItsOwn(_ options: [String]) throws {
    try checkpoint.write("notes.txt", "of the source".utf8)
    expectSuccess(
      try GraftCommand.run(["convert", checkpoint.path.string, out.string] + options))
    try put("notes.txt", "of the source".utf8)
    expectSuccess(try overwrite("--no-manifest"))
    expectSuccess(try overwrite())
    expectSuccess(try overwrite())
    #expect(checkpoint.neighbours == ["model", "out"])
  }

  /// A file of a name that nobody knows stands in the record, with its hash.
  @Test func theRecordKnowsWhatWasCopied() throws {
    try checkpoint.write("notes.txt", "of the source".utf8)
    expectSuccess(try overwrite())
    let name = EditableCheckpoint.names(in: out).contains("notes.txt") ? "notes.txt" : "README.md"
    let other = Fixtures.path("options/gdn-small")
    if name == "notes.txt" {
      try put(name, "changed by somebody".utf8)
      expectRefusal(try overwrite(from: other), 73, [name])
      try put(name, "of the source".utf8)
    }
    expectSuccess(try overwrite(from: other))
  }

  @Test(arguments: [
    "thesis.tex", "optimizer.pt", "model.old.safetensors", "pytorch_model.bin", "weights.npz",
    "adapter_model.safetensors", "other.gguf", ".hidden", "sub/thesis.tex",
  ]) func whatIsNoPartOfACheckpointStays(_ name: String) throws {
    for isPlain in [true, false] {
      if isPlain {
        try FileManager.default.copyItem(atPath: checkpoint.path.string, toPath: out.string)
      } else {
        expectSuccess(try overwrite())
      }
      if name.hasPrefix("sub") {
        try FileManager.default.createDirectory(
          atPath: out.appending("sub").string, withIntermediateDirectories: false)
      }
      try put(name, "precious".utf8)
      let before = EditableCheckpoint.names(in: out)
      for options in [[], ["--dry-run"], ["--part", "1/1"]] {
        let result = try GraftCommand.run(
          ["convert", checkpoint.path.string, out.string, "--overwrite"] + options)
        expectRefusal(result, 73, [name.hasPrefix("sub") ? "sub (a directory)" : name])
      }
      #expect(EditableCheckpoint.names(in: out) == before)
      #expect(try Fixtures.contents(out.appending(name)) == Array("precious".utf8))
      #expect(checkpoint.neighbours == ["model", "out"])
      try FileManager.default.removeItem(atPath: out.string)
    }
  }

  @Test(arguments: ["model.safetensors", "config.json", "graft.json"])
  func whatDoesNotLookAsItsNameSaysStays(_ name: String) throws {
    expectSuccess(try overwrite())
    try put(name, "precious".utf8)
    expectRefusal(try overwrite(), 73, [name])
    #expect(try Fixtures.contents(out.appending(name)) == Array("precious".utf8))
  }

  @Test func aLinkStaysAndWhatItLeadsTo() throws {
    expectSuccess(try convert(checkpoint.path, checkpoint.beside("old")))
    try FileManager.default.createSymbolicLink(
      atPath: out.string, withDestinationPath: checkpoint.beside("old").string)
    expectRefusal(try overwrite(), 73, ["a link"])
    #expect(checkpoint.neighbours == ["model", "old", "out"])
    try FileManager.default.removeItem(atPath: out.string)
    try FileManager.default.moveItem(atPath: checkpoint.beside("old").string, toPath: out.string)
    try FileManager.default.removeItem(atPath: out.appending("config.json").string)
    try FileManager.default.createSymbolicLink(
      atPath: out.appending("config.json").string,
      withDestinationPath: checkpoint.path.appending("config.json").string)
    expectRefusal(try overwrite(), 73, ["config.json (a link)"])
  }

  @Test func noInputIsReplaced() throws {
    let folder = checkpoint.folder.path
    try FileManager.default.createSymbolicLink(
      atPath: checkpoint.beside("link").string, withDestinationPath: ".")
    let before = EditableCheckpoint.names(in: checkpoint.path)
    for (source, target) in [
      ("model", "model"), ("model", "link/model"), ("link/model", "model/"),
      ("model", "model/../model"), ("model/model.safetensors", "model"),
    ] {
      let result = try GraftCommand.run(
        ["convert", source, target, "--overwrite"], directory: folder)
      expectRefusal(result, 73, ["would remove an input"])
    }
    let recipe = try checkpoint.write("tokenizer.json", #"{"splice": [{"layers": [0]}]}"#.utf8)
    let result = try GraftCommand.run(
      "splice", Fixtures.path("options/gdn-small").string, checkpoint.path.string, "--recipe",
      recipe.string, "--overwrite")
    expectRefusal(result, 73, ["tokenizer.json inside it"])
    #expect(
      EditableCheckpoint.names(in: checkpoint.path) == (before + ["tokenizer.json"]).sorted())
  }

  @Test func logitsReplaceNothingButAReference() throws {
    let tokens = try checkpoint.folder.write("t.txt", "1 2 3".utf8)
    let reference = checkpoint.path.appending("reference.safetensors")
    try FileManager.default.createSymbolicLink(
      atPath: checkpoint.beside("link").string, withDestinationPath: "model/model.safetensors")
    func write(_ output: FilePath, _ tokens: FilePath) throws -> CommandResult {
      try GraftCommand.run(
        "logits", checkpoint.path.string, "--tokens", tokens.string, "--output", output.string,
        "--overwrite")
    }
    for output in [
      tokens, checkpoint.path.appending("config.json"), checkpoint.beside("link"),
      checkpoint.path.appending("model.safetensors"), checkpoint.path,
    ] {
      let before = try? Fixtures.contents(output)
      expectRefusal(try write(output, tokens), 73)
      #expect((try? Fixtures.contents(output)) == before)
    }
    let before = try Fixtures.contents(reference)
    expectRefusal(try write(reference, reference), 73, ["an input"])
    #expect(try Fixtures.contents(reference) == before)
    for _ in 0..<2 { expectSuccess(try write(out, tokens)) }
    #expect(checkpoint.neighbours == ["link", "model", "out", "t.txt"])
  }

  @Test func pagesReplaceNothingButPages() throws {
    let reference = checkpoint.path.appending("reference.safetensors")
    let config = checkpoint.path.appending("config.json")
    for file in [reference, config, checkpoint.path.appending("model.safetensors")] {
      let before = try Fixtures.contents(file)
      let verified = try GraftCommand.run(
        "verify", checkpoint.path.string, "--reference", reference.string, "--report", file.string)
      expectRefusal(verified, 73)
      expectRefusal(
        try GraftCommand.run("inspect", checkpoint.path.string, "--html", file.string), 73)
      #expect(try Fixtures.contents(file) == before)
    }
  }

  @Test func aDryRunSeesWhatTheRunWouldSee() throws {
    let nowhere = checkpoint.beside("no/where")
    expectRefusal(try convert(checkpoint.path, nowhere, "--dry-run"), 73, ["existing directory"])
    let splice = try GraftCommand.run(
      "splice", checkpoint.path.string, nowhere.string, "--layer", "0", "--dry-run")
    expectRefusal(splice, 73, ["existing directory"])
    expectRefusal(
      try convert(checkpoint.path, checkpoint.path, "--dry-run"), 73, ["exists already"])
  }

  @Test(arguments: [1, 8, 40]) func aLimitOnTheSizeOfFiles(_ blocks: Int) throws {
    let shell = Process()
    let errors = Pipe()
    shell.executableURL = URL(fileURLWithPath: "/bin/sh")
    shell.arguments = [
      "-c", "ulimit -f \(blocks); exec \"$0\" \"$@\"", GraftCommand.executable.string, "convert",
      checkpoint.path.string, out.string,
    ]
    shell.standardError = errors
    shell.standardOutput = FileHandle.nullDevice
    try shell.run()
    let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    shell.waitUntilExit()
    #expect(shell.terminationReason == .exit && shell.terminationStatus == 74, "\(text)")
    #expect(text.contains("File too large") && text.contains("ulimit -f"), "\(text)")
    #expect(checkpoint.neighbours == ["model"])
  }

  @Test func aPartThatAnotherProcessWritesIsLeftAlone() throws {
    let options = ["--part", "1/2", "--max-shard-size", "20KB"]
    let arguments = ["convert", checkpoint.path.string, out.string] + options
    expectSuccess(try GraftCommand.run(arguments))
    let left = checkpoint.beside("out.graft-partial")
    let before = EditableCheckpoint.names(in: left.appending("out"))
    let journal = try FileHandle(
      forUpdating: URL(fileURLWithPath: left.appending("journal-1-of-2.jsonl").string))
    #expect(flock(journal.fileDescriptor, LOCK_EX) == 0)
    let second = try GraftCommand.run(arguments)
    try journal.close()
    expectRefusal(second, 73, ["another process is writing this part"])
    #expect(EditableCheckpoint.names(in: left.appending("out")) == before && !before.isEmpty)
  }

  @Test(arguments: [
    ["convert"], ["convert", "--part", "1/2"], ["convert", "--finish"], ["splice", "--layer", "0"],
  ]) func whatSomebodyPlantedIsLeftAlone(_ command: [String]) throws {
    let victim = try checkpoint.folder.write("thesis.tex", "precious".utf8)
    let left = checkpoint.beside("out.graft-partial")
    for name in ["out", "lock", "journal-1-of-2.jsonl", "created.jsonl", "thesis.tex"] {
      for isHard in [true, false] {
        try FileManager.default.createDirectory(
          atPath: left.string, withIntermediateDirectories: false)
        let place = left.appending(name).string
        if isHard {
          try FileManager.default.linkItem(atPath: victim.string, toPath: place)
        } else {
          try FileManager.default.createSymbolicLink(
            atPath: place, withDestinationPath: victim.string)
        }
        let result = try GraftCommand.run(
          [command[0], checkpoint.path.string, out.string] + command.dropFirst())
        expectRefusal(result, 73, ["unfinished output"])
        #expect(EditableCheckpoint.names(in: left) == [name])
        #expect(try Fixtures.contents(victim) == Array("precious".utf8))
        try FileManager.default.removeItem(atPath: left.string)
      }
    }
  }
}
