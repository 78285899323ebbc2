import Platform
@testable import Containers
import Diagnostics
import Foundation
import GraftTestSupport
import SystemPackage
import Testing

/// Somebody put something under the name of an unfinished output: nothing in it is touched, and nothing
/// that it leads to.
@Suite struct PlantedOutputTests {
  private let directory: TemporaryDirectory
  private var target: FilePath { directory.path.appending("new") }
  private var left: FilePath { directory.path.appending("new.graft-partial") }
  private var victim: FilePath { directory.path.appending("victim/thesis.tex") }

  init() throws {
    directory = try TemporaryDirectory()
    try make(directory.path.appending("victim"))
    try directory.write("victim/thesis.tex", "precious".utf8)
  }

  private func make(_ path: FilePath) throws {
    try FileManager.default.createDirectory(
      atPath: path.string, withIntermediateDirectories: true)
  }

  /// Everything below a directory with what it is.
  private func tree(_ path: FilePath) throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: path.string).sorted().map { name in
      let file = path.appending(name).string
      let attributes = try FileManager.default.attributesOfItem(atPath: file)
      let kind = attributes[.type] as? FileAttributeType
      let data = kind == .typeRegular ? FileManager.default.contents(atPath: file) : nil
      return "\(name) \(kind?.rawValue ?? "") \(data.map { Array($0) } ?? [])"
    }
  }

  private func link(_ name: String, to path: FilePath) throws {
    try FileManager.default.createSymbolicLink(
      atPath: left.appending(name).string, withDestinationPath: path.string)
  }

  private func hardLink(_ name: String) throws {
    try FileManager.default.linkItem(
      atPath: victim.string, toPath: left.appending(name).string)
  }

  private func put(_ name: String, _ text: String) throws {
    try directory.write("new.graft-partial/\(name)", text.utf8)
  }

  private func plant(_ what: String) throws {
    let folder = victim.removingLastComponent()
    switch what {
    case "link": return try link("", to: folder)
    case "file": return try directory.write("new.graft-partial", [1]).string.isEmpty ? () : ()
    default: try make(left)
    }
    switch what {
    case "out a link": try link("out", to: folder)
    case "out a file": try put("out", "mine")
    case "out-old a link": try link("out-old", to: folder)
    case "out-old with a file":
      try make(left.appending("out-old"))
      try put("out-old/thesis.tex", "mine")
    case "lock a link": try link("lock", to: victim)
    case "lock a link to nothing": try link("lock", to: folder.appending("new"))
    case "lock a hard link": try hardLink("lock")
    case "lock with text": try put("lock", "mine")
    case "lock a pipe": #expect(mkfifo(left.appending("lock").string, 0o600) == 0)
    case "list a link": try link("created.jsonl", to: victim)
    case "list a hard link": try hardLink("created.jsonl")
    case "journal a link": try link("journal-1-of-1.jsonl", to: victim)
    case "journal a hard link": try hardLink("journal-1-of-1.jsonl")
    case "journal of somebody": try put("journal-1-of-1.jsonl", "mine")
    case "something": try put("thesis.tex", "mine")
    case "open to others":
      try FileManager.default.setAttributes(
        [.posixPermissions: 0o777], ofItemAtPath: left.string)
    default:
      try make(left.appending("out"))
      switch what {
      case "a link in out": try link("out/model.safetensors", to: victim)
      case "a hard link in out": try hardLink("out/model.safetensors")
      case "a file in out": try put("out/model.safetensors", "mine")
      case "a directory in out": try make(left.appending("out/sub"))
      case "out open to others":
        try FileManager.default.setAttributes(
          [.posixPermissions: 0o777], ofItemAtPath: left.appending("out").string)
      default: Issue.record("nobody plants \(what)")
      }
    }
  }

  @Test(arguments: [
    "file", "out a link", "out a file", "out-old a link", "out-old with a file", "lock a link",
    "lock a link to nothing", "lock a hard link", "lock with text", "lock a pipe", "list a link",
    "list a hard link", "journal a link", "journal a hard link", "journal of somebody", "something",
    "open to others", "a link in out", "a hard link in out", "a file in out", "a directory in out",
    "out open to others",
  ]) func isRefusedAndLeftAlone(_ what: String) throws {
    try plant(what)
    let before = try tree(directory.path)
    for use in [OutputDirectory.Use.alone, .part, .collection] {
      let problem = try #require(throws: Problem.self) { try OutputDirectory(at: target, use: use) }
      #expect(problem.kind == .exists && problem.file?.contains("graft-partial") == true)
      #expect(try tree(directory.path) == before)
    }
  }

  @Test func aLinkIsNoUnfinishedOutput() throws {
    try FileManager.default.createSymbolicLink(
      atPath: left.string, withDestinationPath: victim.removingLastComponent().string)
    let before = try tree(directory.path)
    #expect(throws: Problem.self) { try OutputDirectory(at: target) }
    #expect(try tree(directory.path) == before)
  }

  @Test(.enabled(if: geteuid() == 0)) func thatOfAnotherUserIsRefused() throws {
    try make(left)
    #expect(chown(left.string, 12345, 12345) == 0)
    let problem = try #require(throws: Problem.self) { try OutputDirectory(at: target) }
    #expect(problem.found == "a directory of another user")
    #expect(try tree(left).isEmpty)
  }

  @Test func whatSomebodyPutsInMeanwhileStays() throws {
    let output = try OutputDirectory(at: target)
    try OutputFile.write([1], to: output.file("a"))
    try put("out/thesis.tex", "mine")
    let problem = try #require(throws: Problem.self) { try output.commit() }
    #expect(problem.kind == .exists)
    output.abort()
    #expect(try tree(left).contains { $0.hasPrefix("out/thesis.tex") })
    #expect(!FileManager.default.fileExists(atPath: target.string))
  }

  /// A run was killed between making further names of files of its source and the end.
  @Test func furtherNamesThatARunMadeAreItsOwn() throws {
    do {
      let output = try OutputDirectory(at: target, use: .part)
      #expect(try output.file("model.safetensors", isLink: true).link(to: victim))
      output.leave()
    }
    let output = try OutputDirectory(at: target)
    try output.clear()
    try output.commit()
    #expect(try Fixtures.contents(victim) == Array("precious".utf8))
    #expect(EditableCheckpoint.names(in: directory.path) == ["new", "victim"])
  }

  /// A run was killed while the old output lay aside, on a system that cannot exchange names.
  @Test func anOutputThatLiesAsideComesBack() throws {
    do {
      let output = try OutputDirectory(at: target, use: .part)
      try output.announce(["old"])
      output.leave()
    }
    try make(left.appending("out-old"))
    try put("out-old/old", "precious")
    let problem = try #require(throws: Problem.self) { try OutputDirectory(at: target) }
    #expect(problem.what == "the output exists already")
    #expect(EditableCheckpoint.names(in: directory.path) == ["new", "victim"])
    #expect(try Fixtures.contents(target.appending("old")) == Array("precious".utf8))
  }
}
