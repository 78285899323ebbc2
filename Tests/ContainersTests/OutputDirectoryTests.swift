@testable import Containers
import Diagnostics
import Foundation
import GraftTestSupport
import SystemPackage
import Tensors
import Testing

@Suite(.serialized) struct OutputDirectoryTests {
  private let directory: TemporaryDirectory
  private var target: FilePath { directory.path.appending("out") }

  init() throws { directory = try TemporaryDirectory() }

  private func names(_ path: FilePath) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path.string).sorted()
  }

  private func put(_ text: String, _ location: some FileLocation) throws {
    var sink = try ByteSink(creating: location)
    try sink.write(Array(text.utf8))
    try sink.close()
  }

  private func text(_ path: FilePath) throws -> String {
    String(decoding: try MappedFile.readAll(path, limit: 1000), as: UTF8.self)
  }

  private func mode(_ path: FilePath) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: path.string)
    return (attributes[.posixPermissions] as? NSNumber)?.intValue ?? -1
  }

  @Test func appearsOnlyOnCommit() throws {
    let output = try OutputDirectory(at: target)
    try put("new", output.file("a"))
    #expect(try names(directory.path) == ["out.graft-partial"])
    try output.commit()
    output.abort()
    #expect(try names(directory.path) == ["out"])
    #expect(try text(target.appending("a")) == "new")
  }

  /// As on systems that cannot exchange two names or refuse to replace one.
  @Test func renamingStepByStep() throws {
    let (new, aside) = (directory.path.appending("new"), directory.path.appending("aside"))
    func make(_ path: FilePath, _ text: String) throws {
      try FileManager.default.createDirectory(
        atPath: path.string, withIntermediateDirectories: true)
      try put(text, path.appending("a"))
    }
    try make(new, "first")
    try FilePlace(new).publishPlainly(as: FilePlace(target))
    try make(new, "second")
    let taken = try #require(throws: Problem.self) {
      try FilePlace(new).publishPlainly(as: FilePlace(target))
    }
    #expect(try taken.kind == .exists && text(target.appending("a")) == "first")
    for replace in [OutputDirectory.replace, OutputDirectory.replaceInSteps] {
      let places = (FilePlace(target), FilePlace(new), FilePlace(aside))
      #expect(throws: CancellationError.self) {
        try replace(places.0, places.1, places.2) { _ in throw CancellationError() }
      }
      #expect(try text(target.appending("a")) == "first" && text(new.appending("a")) == "second")
      try replace(places.0, places.1, places.2) { _ in }
      #expect(try text(target.appending("a")) == "second" && text(aside.appending("a")) == "first")
      #expect(throws: Problem.self) { try replace(places.0, places.1, places.2) { _ in } }
      #expect(try text(target.appending("a")) == "second" && names(directory.path).count == 2)
      try FileManager.default.moveItem(atPath: target.string, toPath: new.string)
      try FileManager.default.moveItem(atPath: aside.string, toPath: target.string)
    }
  }

  @Test func nothingIsLeftWithoutCommit() throws {
    do {
      let output = try OutputDirectory(at: target)
      try put("new", output.file("a"))
    }
    #expect(try names(directory.path).isEmpty)
    let aborted = try OutputDirectory(at: target)
    aborted.abort()
    #expect(try names(directory.path).isEmpty)
  }

  @Test(arguments: [true, false]) func anExistingOutputIsRefused(isFile: Bool) throws {
    if isFile {
      try put("old", target)
    } else {
      try FileManager.default.createDirectory(
        atPath: target.string, withIntermediateDirectories: false)
    }
    let problem = try #require(throws: Problem.self) { try OutputDirectory(at: target) }
    #expect(
      problem
        == Problem(
          .exists, "the output exists already", file: target.string,
          remedy: "choose another path, or give --overwrite"))
    #expect(problem.exitCode == 73)
    #expect(try names(directory.path) == ["out"])
  }

  @Test func anOutputThatAppearsMeanwhileIsKept() throws {
    let output = try OutputDirectory(at: target)
    try FileManager.default.createDirectory(
      atPath: target.string, withIntermediateDirectories: false)
    #expect(throws: Problem.self) { try output.commit() }
    output.abort()
    #expect(try names(directory.path) == ["out"])
    #expect(try names(target).isEmpty)
  }

  @Test func onlyOneWritesAnOutput() throws {
    let output = try OutputDirectory(at: target)
    let problem = try #require(throws: Problem.self) { try OutputDirectory(at: target) }
    #expect(problem.kind == .exists && problem.what == "another process is writing the output")
    #expect(throws: Problem.self) { try OutputDirectory(at: target, use: .part) }
    output.abort()
    let parts = try (0..<2).map { _ in try OutputDirectory(at: target, use: .part) }
    #expect(throws: Problem.self) { try OutputDirectory(at: target) }
    try put("kept", parts[0].file("a"))
    parts.forEach { $0.leave() }
    let next = try OutputDirectory(at: target)
    #expect(try next.names() == ["a"])
    try next.clear()
    try next.commit()
    #expect(try names(directory.path) == ["out"] && names(target).isEmpty)
  }

  /// A process was killed between giving the output its name and the end.
  @Test(arguments: [nil, "journal-1-of-1.jsonl"])
  func whatIsLeftOfAFinishedOutputIsRemoved(_ journal: String?) throws {
    let left = directory.path.appending("out.graft-partial")
    for path in [target, left.appending("out")] {
      try FileManager.default.createDirectory(
        atPath: path.string, withIntermediateDirectories: true)
    }
    try put("", left.appending("lock"))
    if let journal {
      try CreatedNames(FilePlace(left.appending("created.jsonl"))).add([journal])
      try put("", left.appending(journal))
    }
    let busy = try UnfinishedDirectory(of: OutputPlace(target), isShared: true)
    #expect(throws: Problem.self) { try OutputDirectory(at: target) }
    #expect(try names(directory.path) == ["out", "out.graft-partial"])
    busy.release()
    #expect(throws: Problem.self) { try OutputDirectory(at: target) }
    #expect(try names(directory.path) == (journal == nil ? ["out"] : ["out", "out.graft-partial"]))
  }

  /// Parts of others are there, and a run ends before it looked at them.
  @Test func whatWasThereIsKeptUntilItIsOwn() throws {
    let part = try OutputDirectory(at: target, use: .part)
    try put("theirs", part.file("a"))
    try put("", part.record("journal-1-of-2.jsonl"))
    part.leave()
    try OutputDirectory(at: target).abort()
    #expect(try names(directory.path.appending("out.graft-partial/out")) == ["a"])
    let output = try OutputDirectory(at: target)
    output.own()
    output.abort()
    #expect(try names(directory.path).isEmpty)
  }

  @Test func aDirectoryOfThatNameIsKept() throws {
    let other = directory.path.appending("out.graft-partial")
    try FileManager.default.createDirectory(
      atPath: other.string, withIntermediateDirectories: false)
    try put("mine", other.appending("a"))
    let problem = try #require(throws: Problem.self) { try OutputDirectory(at: target) }
    #expect(problem.what == "something else has the name of the unfinished output")
    #expect(try names(other) == ["a"])
  }

  @Test func overwritingReplacesTheWholeDirectory() throws {
    let old = try OutputDirectory(at: target)
    try put("{}", old.file("config.json"))
    try put("\u{2}\0\0\0\0\0\0\0{}", old.file("model.safetensors"))
    try put("old", old.file("README.md"))
    try old.commit()
    let output = try OutputDirectory(at: target, overwrite: true)
    try put("new", output.file("a"))
    #expect(try text(target.appending("README.md")) == "old")
    try output.commit()
    #expect(try names(directory.path) == ["out"] && names(target) == ["a"])
    #expect(try text(target.appending("a")) == "new")
  }

  @Test func overwritingNeedsADirectoryAndKeepsInputs() throws {
    try put("file", target)
    let file = try #require(throws: Problem.self) {
      try OutputDirectory(at: target, overwrite: true)
    }
    #expect(file.kind == .exists && file.expected == "a directory")
    let inputs = [target]
    let parent = try #require(throws: Problem.self) {
      try OutputDirectory(at: directory.path, overwrite: true, inputs: inputs)
    }
    #expect(parent.kind == .exists && parent.what == "overwriting the output would remove an input")
  }

  @Test(arguments: ["absent/out", "file/out", ".", "..", "/"])
  func placesWhereNothingCanBeCreated(_ name: String) throws {
    try put("", directory.path.appending("file"))
    let place = name == "/" ? "/" : directory.path.appending(name)
    let problem = try #require(throws: Problem.self) { try OutputDirectory(at: place) }
    #expect(problem.kind == .exists && problem.what.hasPrefix("the output cannot be created"))
    let single = try #require(throws: Problem.self) { try OutputFile(at: place) }
    #expect(single.kind == .exists && single.what.hasPrefix("the output cannot be created"))
  }

  @Test func theUmaskDecidesTheMode() throws {
    let old = umask(0o027)
    defer { umask(old) }
    let output = try OutputDirectory(at: target)
    try put("x", output.file("a"))
    let source = try directory.write("source", [1])
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o400], ofItemAtPath: source.string)
    try FileCloning.copy(from: source, to: output.file("b"))
    try output.commit()
    #expect(try mode(target) == 0o750)
    #expect(try mode(target.appending("a")) == 0o640)
    #expect(try mode(target.appending("b")) == 0o640)
    try OutputFile.write([1], to: directory.path.appending("single"))
    #expect(try mode(directory.path.appending("single")) == 0o640)
  }

  @Test func aSingleFileAppearsCompleteOrNotAtAll() throws {
    do {
      let file = try OutputFile(at: target)
      try put("half", file.file)
    }
    #expect(try names(directory.path).isEmpty)
    try OutputFile.write(Array("one".utf8), to: target)
    let problem = try #require(throws: Problem.self) { try OutputFile.write([], to: target) }
    #expect(problem.kind == .exists)
    #expect(try text(target) == "one")
    try OutputFile.write(Array("two".utf8), to: target, replacing: FileMark("text") { _ in true })
    #expect(try text(target) == "two" && names(directory.path) == ["out"])
  }

  /// File systems of clusters may have no locks, which is another thing than somebody who has one.
  @Test func locksThatFailAreNotThoseOfOthers() throws {
    let problem = try #require(throws: Problem.self) {
      try FileLock.take(
        FileDescriptor(rawValue: -1), of: target,
        held: Problem(.exists, "held", file: "", remedy: ""))
    }
    #expect(problem.kind == .io && problem.what.contains("does not lock"))
  }

  @Test func replacingAMappedFileKeepsItsReaders() throws {
    try OutputFile.write(Array("one".utf8), to: target)
    let mapped = try MappedFile(target)
    try OutputFile.write(Array("three".utf8), to: target, replacing: FileMark("text") { _ in true })
    #expect(String(decoding: mapped.bytes, as: UTF8.self) == "one")
  }
}
