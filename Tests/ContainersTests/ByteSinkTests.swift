import Containers
import Diagnostics
import GraftTestSupport
import SystemPackage
import Tensors
import Testing

@Suite struct ByteSinkTests {
  @Test(arguments: 0..<8) func writesPiecesOfAnySizeInOrder(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let directory = try TemporaryDirectory()
    let path = directory.path.appending("f")
    var all: [UInt8] = []
    var sink = try ByteSink(creating: path, expected: seed.isMultiple(of: 2) ? 1_000_000 : 0)
    while all.count < 1_000_000 {
      let limit = [10, 5000, 300_000, 600_000].randomElement(using: &random) ?? 1
      let count = Int.random(in: 0...min(limit, 1_000_000 - all.count), using: &random)
      let piece = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ all.count) }
      if count <= ByteSink.capacity, count.isMultiple(of: 2) {
        try sink.append(count) { $0.copyBytes(from: piece) }
      } else {
        try sink.write(piece)
      }
      all += piece
      #expect(sink.count == all.count)
    }
    try sink.close()
    #expect(try MappedFile.readAll(path, limit: 1 << 21) == all)
  }

  @Test func roomThatIsNotUsedIsGivenBack() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path.appending("f")
    var sink = try ByteSink(creating: path, expected: 4096)
    try sink.write([1, 2])
    try sink.close()
    #expect(try MappedFile.readAll(path, limit: 4096) == [1, 2])
  }

  @Test func refusesAnExistingFile() throws {
    let directory = try TemporaryDirectory()
    let path = try directory.write("f", [1])
    let problem = try #require(throws: Problem.self) {
      var sink = try ByteSink(creating: path)
      try sink.close()
    }
    #expect(problem.kind == .exists && problem.file == path.string)
    #expect(try MappedFile.readAll(path, limit: 1) == [1])
  }

  @Test func aFullDiskIsAnInputOutputError() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path.appending("f")
    let problem = try #require(throws: Problem.self) {
      var sink = try ByteSink(creating: path, expected: 1 << 60)
      try sink.close()
    }
    #expect(problem.kind == .io && problem.what.hasPrefix("no room for"))
    #expect(throws: Problem.self) { try MappedFile(path) }
  }
}
