import Containers
import Conversion
import Diagnostics
import Foundation
import GraftTestSupport
import Layouts
import Opening
import SystemPackage
import Testing

/// An output appears complete and checked, or not at all.
struct SafeWriteTests {
  private struct Stop: Error {}

  private func plan(_ layout: String = "qwen3_5_moe") throws -> CheckpointPlan {
    let catalogue = try LayoutCatalogue.builtIn()
    let source = try OpenedModel(
      Fixtures.path("huggingface/qwen3_next/bf16"), catalogue: catalogue)
    var options = ConversionOptions()
    options.maximumShardSize = 100_000
    return try CheckpointPlan(
      converting: source, to: source.target(layout, in: catalogue), options: options)
  }

  private func options() throws -> WriteOptions {
    try WriteOptions(catalogue: .builtIn(), version: "0")
  }

  private func names(_ folder: FilePath) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.string).sorted()
  }

  @Test func theOutputIsSeenBeforeItAppears() throws {
    let scratch = try TemporaryDirectory()
    let path = scratch.path.appending("out")
    var seen: [String] = []
    _ = try plan().write(
      to: path, options(),
      beforeAppearing: { output in
        let around = try names(scratch.path)
        #expect(around == ["out.graft-partial"])
        let record = output.checkpoint.path("graft.json")
        #expect(FileManager.default.fileExists(atPath: record.string))
        seen.append(output.layout.id)
      })
    #expect(seen == ["qwen3_5_moe"])
    #expect(try names(scratch.path) == ["out"])
  }

  @Test func nothingAppearsWhereALookAtItFails() throws {
    let scratch = try TemporaryDirectory()
    #expect(throws: Stop.self) {
      try plan().write(
        to: scratch.path.appending("out"), options(), beforeAppearing: { _ in throw Stop() })
    }
    #expect(try names(scratch.path).isEmpty)
  }

  /// Whoever opens it with layouts among which its own is not would read something else.
  @Test func nothingAppearsThatIsNotRecognised() throws {
    let scratch = try TemporaryDirectory()
    var options = try options()
    options.catalogue = try LayoutCatalogue(files: [])
    #expect(throws: (any Error).self) {
      try plan().write(to: scratch.path.appending("out"), options)
    }
    #expect(try names(scratch.path).isEmpty)
  }

  @Test func whatStandsThereIsNotReplaced() throws {
    let scratch = try TemporaryDirectory()
    let path = scratch.path.appending("out")
    _ = try plan().write(to: path, options())
    let before = try names(path)
    do {
      _ = try plan("qwen3_next").write(to: path, options())
      Issue.record("it was replaced")
    } catch let problem as Problem { #expect(problem.kind == .exists) }
    #expect(try names(path) == before)
  }

  /// Parts are told apart by their hashes, whatever is said of a record.
  @Test func partsMeetWithoutBeingNamed() throws {
    let scratch = try TemporaryDirectory()
    let (whole, parts) = (scratch.path.appending("whole"), scratch.path.appending("parts"))
    let plan = try plan()
    #expect(plan.shards.count > 2)
    _ = try plan.write(to: whole, options())
    var options = try options()
    options.keepsRecord = false
    for task in try [.part(Share("1/2")), .part(Share("2/2")), .finish] as [WriteOptions.Task] {
      options.task = task
      #expect(try names(scratch.path).contains("parts") == false)
      _ = try plan.write(to: parts, options)
    }
    #expect(try names(parts) == names(whole))
    for name in try names(whole) {
      let contents = [whole, parts].map {
        FileManager.default.contents(atPath: $0.appending(name).string)
      }
      #expect(contents[0] != nil && contents[0] == contents[1], "\(name)")
    }
  }
}
