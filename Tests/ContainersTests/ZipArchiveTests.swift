import Diagnostics
import GraftTestSupport
import SystemPackage
import Tensors
import Testing

@testable import Containers

@Suite struct ZipArchiveTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func archive(_ entries: [(String, [UInt8])]) throws -> [UInt8] {
    let path = directory.path.appending("\(entries.count).zip")
    try FilePlace(path).remove()
    var zip = ZipPlan()
    for (name, bytes) in entries { zip.add(name, bytes) }
    try WeightFileWriter(creating: path, zip.plan).finish()
    return try MappedFile.readAll(path, limit: 1 << 24)
  }

  private func open(_ bytes: [UInt8]) throws -> ZipArchive {
    try ZipArchive(OwnedBytes(copying: bytes))
  }

  @Test func entriesComeBack() throws {
    let entries = [("a", [1, 2, 3]), ("b/ü", []), ("c", [UInt8](repeating: 7, count: 1000))]
    let zip = try open(archive(entries))
    #expect(zip.entries.map(\.name) == entries.map(\.0))
    #expect(try zip.entries.map { try $0.bytes(limit: 1000) } == entries.map(\.1))
    #expect(zip.entries.allSatisfy { $0.range.lowerBound % 64 == 0 })
    #expect(try open(archive([])).entries.isEmpty)
  }

  @Test func manyEntriesNeedTheWideEnd() throws {
    let zip = try open(archive((0..<70_000).map { ("\($0)", []) }))
    #expect(zip.entries.count == 70_000 && zip.entry("69999") != nil)
  }

  /// The file has holes and takes no room.
  @Test func entriesBeyondFourGigabytesNeedWideNumbers() throws {
    let path = directory.path.appending("wide.zip")
    var zip = ZipPlan()
    zip.add("small", [1, 2, 3])
    zip.addTensor("large", size: 5 << 30)
    zip.add("behind", [4, 5])
    let plan = zip.plan
    let file = try FileDescriptor.open(
      path, .writeOnly, options: .create, permissions: .ownerReadWrite)
    for frame in plan.frames + plan.ending([0]) {
      try file.writeAll(toAbsoluteOffset: Int64(frame.offset), frame.bytes)
    }
    try file.close()
    let archive = try ZipArchive(MappedFile(path))
    #expect(archive.entries.map(\.name) == ["small", "large", "behind"])
    #expect(archive.entry("large")?.range.count == 5 << 30)
    #expect(try archive.entry("behind")?.bytes(limit: 10) == [4, 5])
  }

  @Test func deflatedEntriesAreLetGoOfWhileTheyAreRead() throws {
    let content = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) }
    let last = content.count / 50_000 - 1
    let stored = (0...last).flatMap { block -> [UInt8] in
      let piece = content[block * 50_000..<(block + 1) * 50_000]
      let (low, high) = (UInt8(50_000 & 255), UInt8(50_000 >> 8))
      return [block == last ? 1 : 0, low, high, ~low, ~high] + piece
    }
    let reader = try InflateReader(ByteRegion(OwnedBytes(copying: stored)))
    let buffer = OwnedBytes(count: 100_000)
    var found: [UInt8] = []
    while let piece = try reader.next(buffer.mutableBytes) { found += piece }
    #expect(found == content && reader.position == content.count)
    let short = try InflateReader(ByteRegion(OwnedBytes(copying: stored)))
    try short.skip(to: content.count - 10, by: 1 << 16)
    let problem = try #require(throws: Problem.self) { try short.fill(buffer.mutableBytes) }
    #expect(problem.what == "compressed bytes end early")
  }

  @Test func twoEntriesOfOneNameAreRefused() throws {
    let bytes = try archive([("a", [1]), ("a", [2])])
    let problem = try #require(throws: Problem.self) { try open(bytes) }
    #expect(problem.what == "two entries of the archive have one name")
  }

  @Test func overlappingEntriesAreRefused() throws {
    var bytes = try archive([("a", [1]), ("a", [1])])
    // The second record of the directory points at the first entry.
    let record = bytes.count - 22 - 47
    for index in 0..<4 { bytes[record + 42 + index] = 0 }
    let problem = try #require(throws: Problem.self) { try open(bytes) }
    #expect(problem.what == "entries of the archive overlap")
  }

  @Test func aBombIsRefusedBeforeItIsUnpacked() throws {
    let fixture = ContainerFixture("torch/deflated.pt")
    var bytes = try fixture.bytes
    let end = bytes.count - 22
    let directory = Int(bytes[end + 16]) | Int(bytes[end + 17]) << 8
    for index in 0..<3 { bytes[directory + 24 + index] = 0xff }
    bytes[directory + 27] = 0x7f
    let zip = try open(bytes)
    let problem = try #require(throws: Problem.self) { try zip.entries[0].content() }
    #expect(problem.what == "compressed bytes cannot give the size that the archive says")
  }

  @Test func sizesAndSumsOfCompressedEntriesAreChecked() throws {
    let bytes = try ContainerFixture("torch/deflated.pt").bytes
    let end = bytes.count - 22
    let directory = Int(bytes[end + 16]) | Int(bytes[end + 17]) << 8
    for (field, change, what) in [
      (16, 1, "is damaged"), (24, 1, "give another size"), (24, 255, "give another size"),
      (20, 255, "are damaged"),
    ] {
      var damaged = bytes
      damaged[directory + field] &+= UInt8(change)
      let zip = try open(damaged)
      let problem = try #require(throws: Problem.self) { try zip.entries[0].content() }
      #expect(problem.what.contains(what))
    }
  }

  @Test func truncationsAreRefused() throws {
    let bytes = try archive([("a", [1, 2, 3]), ("b", [4])])
    for count in bytes.indices {
      #expect(throws: Problem.self) { try open(Array(bytes[..<count])) }
    }
  }

  @Test func damagedArchivesAreReadWithinBoundsOrRefused() throws {
    let bytes = try archive([("a", [1, 2, 3]), ("b", [4]), ("c", [])])
    Mutations.forEach(of: bytes, count: 20_000) { damaged, seed in
      guard let zip = try? open(damaged) else { return }
      let total = zip.entries.reduce(0) { $0 + $1.range.count }
      #expect(total <= damaged.count, "seed \(seed)")
      for entry in zip.entries { _ = try? entry.bytes(limit: 1000) }
    }
  }
}
