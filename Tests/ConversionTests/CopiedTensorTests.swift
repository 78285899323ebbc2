import Containers
import GraftTestSupport
import Opening
import Synchronization
import SystemPackage
import Tensors
import Testing
import Threads

@testable import Conversion

/// Tensors that are copied and hashed two at a time.
struct CopiedTensorTests {
  private static let sizes = [0, 100, 300_000, 1 << 18, 700_001, 5, 600_000, 1 << 18, 64]
  private static let bytes = (0..<sizes.reduce(0, +)).map {
    UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7)
  }

  /// The tensors in one region, one right behind the other.
  private func tensors(in storage: any ByteStorage) -> [StoredTensor] {
    var end = 0
    return Self.sizes.enumerated().map { index, size in
      end += size
      return StoredTensor(
        name: "t\(index)", type: .u8, shape: [size],
        region: ByteRegion(storage, end - size..<end), file: "f")
    }
  }

  /// Whether two can be read in turns, which a mapped file allows, or not, makes no difference; nor does a
  /// container with checksums of its own.
  @Test(arguments: [Container.safetensors, .torch], [1, 3])
  func everyTensorHasItsBytesAndItsHash(container: Container, threads: Int) throws {
    let scratch = try TemporaryDirectory()
    let source = scratch.path.appending("source")
    try OutputFile.write(Self.bytes, to: source)
    for storage: any ByteStorage in [try MappedFile(source), OwnedBytes(Self.bytes)] {
      let tensors = tensors(in: storage)
      let plan = try container.plan(
        of: tensors.map { TensorHeader(name: $0.name, type: $0.type, shape: $0.shape) },
        metadata: [])
      let path = scratch.path.appending("\(type(of: storage)).\(container.rawValue)")
      let writer = try WeightFileWriter(creating: path, plan)
      let hashes = Mutex<[String: String]>([:])
      try ThreadPool(threads: threads).runInPairs(tensors.count) { index in
        CopiedTensor(
          CheckpointPlan.Tensor(tensors[index], rule: .carried),
          TensorCopy(tensors[index].region, to: index, of: writer), { _ in }
        ) { taken in
          let written = taken.finish(changed: 0).tensor
          hashes.withLock { $0[written.name] = written.hash }
        }
      }
      try writer.finish()
      let file = try MappedFile(path)
      for (index, tensor) in tensors.enumerated() {
        let expected = Array(Self.bytes[tensor.region.range])
        #expect(try plan.region(index, in: file).withBytes { Array($0) } == expected)
        #expect(hashes.withLock { $0[tensor.name] } == TensorHash.text(expected))
      }
      let regions = tensors.map(\.region)
      let again = try TensorHash.stored(regions, ThreadPool(threads: threads))
      #expect(again == regions.map { TensorHash.text(Array(Self.bytes[$0.range])) })
      for check in try container.open(path).payloadChecks { try check.check() }
    }
  }
}
