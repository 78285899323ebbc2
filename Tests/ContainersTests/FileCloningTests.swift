import Containers
import Diagnostics
import Foundation
import GraftTestSupport
import SystemPackage
import Tensors
import Testing

@Suite struct FileCloningTests {
  private let directory: TemporaryDirectory
  private let contents = (0..<700_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
  private var target: FilePath { directory.path.appending("target") }

  init() throws { directory = try TemporaryDirectory() }

  private func isSameFile(_ a: FilePath, _ b: FilePath) throws -> Bool {
    let numbers = try [a, b].map {
      try FileManager.default.attributesOfItem(atPath: $0.string)[.systemFileNumber] as? NSNumber
    }
    return numbers[0] == numbers[1]
  }

  @Test func clonesShareTheOriginal() throws {
    let source = try directory.write("source", contents)
    let method = try FileCloning.clone(from: source, to: FilePlace(target))
    #expect(method == .reflink || method == .hardLink)
    #expect(try isSameFile(source, target) == (method == .hardLink))
    #expect(try MappedFile.readAll(target, limit: 1 << 20) == contents)
  }

  @Test func clonesFollowLinks() throws {
    let source = try directory.write("source", contents)
    let link = directory.path.appending("link")
    try FileManager.default.createSymbolicLink(
      atPath: link.string, withDestinationPath: source.string)
    _ = try FileCloning.clone(from: link, to: FilePlace(target))
    try FileManager.default.removeItem(atPath: source.string)
    #expect(try MappedFile.readAll(target, limit: 1 << 20) == contents)
  }

  @Test(arguments: [0, 1, 700_000]) func copiesAreFilesOfTheirOwn(_ count: Int) throws {
    let source = try directory.write("source", contents.prefix(count))
    let method = try FileCloning.copy(from: source, to: FilePlace(target))
    #expect(method != .hardLink)
    #expect(try !isSameFile(source, target))
    #expect(try MappedFile.readAll(target, limit: 1 << 20) == Array(contents.prefix(count)))
  }

  @Test(.enabled(if: FileManager.default.isWritableFile(atPath: "/dev/shm")))
  func copiesBetweenFileSystems() throws {
    let source = FilePath("/dev/shm").appending("graft-test-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(atPath: source.string) }
    try Data(contents).write(to: URL(fileURLWithPath: source.string))
    #expect(try FileCloning.clone(from: source, to: FilePlace(target)) != .hardLink)
    #expect(try MappedFile.readAll(target, limit: 1 << 20) == contents)
  }

  @Test func nothingIsOverwritten() throws {
    let source = try directory.write("source", [1])
    try directory.write("target", [2])
    for copy in [FileCloning.clone, FileCloning.copy] {
      let problem = try #require(throws: Problem.self) { _ = try copy(source, FilePlace(target)) }
      #expect(problem.kind == .exists)
      #expect(try MappedFile.readAll(target, limit: 1) == [2])
    }
  }

  @Test func aSourceThatIsNotThere() throws {
    let absent = directory.path.appending("absent")
    let problem = try #require(throws: Problem.self) {
      try FileCloning.clone(from: absent, to: FilePlace(target))
    }
    #expect(problem.kind == .missing && problem.file == absent.string)
    #expect(!FileManager.default.fileExists(atPath: target.string))
  }

  @Test func methodsHaveWords() {
    let words = FileCloning.Method.allCases.map(\.text)
    #expect(words == ["reflink", "hard link", "copy_file_range", "copy"])
  }

  private func blocks(_ path: FilePath) -> Int {
    var status = stat()
    return stat(path.string, &status) == 0 ? Int(status.st_blocks) * 512 : -1
  }

  @Test(arguments: [
    [0..<9], [], [100 << 20..<(100 << 20) + 9], [0..<9, 30 << 20..<(30 << 20) + 9],
  ])
  func holesStayHoles(data: [Range<Int>]) throws {
    let source = directory.path.appending("source")
    let file = try FileDescriptor.open(
      source, .writeOnly, options: [.create], permissions: .ownerReadWrite)
    try file.resize(to: 128 << 20)
    for range in data {
      _ = try file.writeAll(
        toAbsoluteOffset: Int64(range.lowerBound), range.map { UInt8($0 % 7 + 1) })
    }
    try file.close()
    try FileCloning.copy(from: source, to: target.place)
    #expect(blocks(target) <= blocks(source) + (1 << 20) && blocks(target) < 16 << 20)
    let (a, b) = (try MappedFile(source), try MappedFile(target))
    #expect(try ByteRegion(a).holdsSameBytes(as: ByteRegion(b)))
  }
}
