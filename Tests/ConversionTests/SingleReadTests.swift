import GraftTestSupport
import Layouts
import Opening
import SystemPackage
import Tensors
import Testing

@testable import Containers
@testable import Conversion

/// How often a conversion reads the tensors of a directory whose ranks wrote parts of them.
struct SingleReadTests {
  /// A directory of Megatron and what was read of its tensors.
  private func converted(to id: String, keepsRecord: Bool) throws -> [String: (read: Int, of: Int)]
  {
    let folder = try TemporaryDirectory()
    let path = folder.path.appending("run")
    try MegatronLiteral.directory(
      of: Fixtures.path("huggingface/qwen3_next/bf16"), .init(tensorParallel: 2)
    ).write(to: path)
    var stored = try StoredCheckpoint.open(path)
    let counted = stored.tensors.map { CountedBytes($0.region) }
    stored.tensors = zip(stored.tensors, counted).map { tensor, bytes in
      StoredTensor(
        name: tensor.name, type: tensor.type, shape: tensor.shape, region: ByteRegion(bytes),
        file: tensor.file)
    }
    let source = try OpenedModel(stored, catalogue: .builtIn())
    let plan = try CheckpointPlan(
      converting: source, to: source.target(id, in: .builtIn()), options: ConversionOptions())
    try plan.writePlainly(to: folder.path.appending("out"), keepsRecord: keepsRecord)
    let names = stored.tensors.map(\.name)
    return Dictionary(
      zip(names, counted.map { ($0.read, $0.count) }), uniquingKeysWith: { first, _ in first })
  }

  /// Norms of a few values are asked beforehand whether one can be added to them without loss.
  private func isAsked(_ name: String) -> Bool { name.hasSuffix("out_norm.weight") }

  @Test(arguments: ["qwen3_next", "qwen3_5_moe", "mcore-hybrid"])
  func withoutRecordEveryByteIsReadOnce(_ id: String) throws {
    for (name, (read, count)) in try converted(to: id, keepsRecord: false) where !isAsked(name) {
      #expect(read == count, "\(name)")
    }
  }

  /// A tensor whose parts are put in another order is read once more for its hashes; what is written as
  /// it lies is not.
  @Test(arguments: ["qwen3_next", "qwen3_5_moe", "mcore-hybrid"])
  func withRecordAtMostOnceMore(_ id: String) throws {
    var again = 0
    for (name, (read, count)) in try converted(to: id, keepsRecord: true) where !isAsked(name) {
      #expect(read <= 2 * count, "\(name) \(read) of \(count)")
      again += read > count ? 1 : 0
    }
    #expect(id == "mcore-hybrid" ? again < 40 : again > 0, "\(again)")
  }
}
