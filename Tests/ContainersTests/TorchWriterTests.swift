import Diagnostics
import GraftTestSupport
import SystemPackage
import Tensors
import Testing

@testable import Containers

@Suite struct TorchWriterTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// `graft.pt` was read by torch with `weights_only=True`, mapped and not, and found to hold what is
  /// expected; `check_container_fixtures.py` does it again.
  @Test func writesTheFileThatTorchWasSeenToRead() throws {
    let path = directory.path.appending("graft.pt")
    let tensors = try ContainerFixture("torch/types.pt").expected
    try Container.torch.write(tensors.map(TensorToWrite.init), metadata: [], to: path)
    let written = try MappedFile.readAll(path, limit: 1 << 20)
    #expect(try written == ContainerFixture("torch/graft.pt").bytes)
  }

  @Test(arguments: ["types", "views"]) func readsWhatItWrites(_ name: String) throws {
    let path = directory.path.appending("t.pt")
    let tensors = try ContainerFixture("torch/\(name).pt").expected
    try Container.torch.write(tensors.map(TensorToWrite.init), metadata: [], to: path)
    let file = try TorchFile(path)
    #expect(file.tensors.map(\.name) == tensors.map(\.name) && file.ignored.isEmpty)
    #expect(file.tensors.map(\.contents) == tensors.map(\.contents))
    #expect(file.tensors.map(\.shape) == tensors.map(\.shape))
    #expect(
      file.checksums.allSatisfy { $0.count == 0 || $0.region.range.lowerBound % 64 == 0 })
    #expect(file.checksums.count == tensors.count)
    for checksum in file.checksums { try checksum.check() }
  }

  @Test func sumsAcrossTheBufferOfTheSink() throws {
    let path = directory.path.appending("t.pt")
    let count = 3 * ByteSink.capacity + 77
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 >> 3) }
    let tensor = TensorToWrite(name: "w", type: .u8, shape: [count]) { sink in
      try sink.write(Array(bytes[..<1000]))
      try sink.append(70) { $0.copyBytes(from: bytes[1000..<1070]) }
      try sink.write(Array(bytes[1070...]))
    }
    try Container.torch.write([tensor], metadata: [], to: path)
    let file = try TorchFile(path)
    for checksum in file.checksums { try checksum.check() }
    #expect(file.tensors.first?.contents == bytes)
  }

  @Test func refusesTypesTorchHasNot() throws {
    let tensor = TensorToWrite(name: "w", type: .f6E2M3, shape: [4]) { try $0.write([0, 0, 0]) }
    let path = directory.path.appending("t.pt")
    let problem = try #require(throws: Problem.self) {
      try Container.torch.write([tensor], metadata: [], to: path)
    }
    #expect(problem.kind == .unsupported && problem.tensor == "w" && problem.found == "F6_E2M3")
  }
}
