import Canonical
import Containers
import Diagnostics
import GraftTestSupport
import Layouts
import Opening
import SystemPackage
import Tensors
import Testing

@testable import Conversion

/// The laws of pairs of layouts and of files, on generated checkpoints.
struct PairLawTests {
  private static let ids = LayoutCatalogue.writtenIDs

  /// Pairs with Megatron's layouts are many, and differ in little: one seed is enough.
  private func isOfMegatron(_ ids: String...) -> Bool { ids.contains { $0.hasPrefix("mcore-") } }

  private func opened(_ path: FilePath, _ id: String) throws -> OpenedModel {
    try OpenedModel(path, from: id, catalogue: .builtIn())
  }

  private func convert(
    _ source: OpenedModel, to id: String, at path: FilePath, shardSize: Int? = nil
  ) throws -> OpenedModel {
    var options = ConversionOptions()
    options.maximumShardSize = shardSize
    let layout = try source.target(id, in: .builtIn())
    try CheckpointPlan(converting: source, to: layout, options: options).writePlainly(
      to: path, keepsRecord: true)
    return try opened(path, id)
  }

  private func expectSame(_ a: OpenedModel, _ b: OpenedModel, _ comment: String) throws {
    #expect(Set(a.checkpoint.tensors.map(\.name)) == Set(b.checkpoint.tensors.map(\.name)))
    for tensor in a.checkpoint.tensors {
      let other = try #require(b.checkpoint.tensor(tensor.name), "\(comment) \(tensor.name)")
      #expect(other.type == tensor.type && other.shape == tensor.shape, "\(comment)")
      #expect(try tensor.region.holdsSameBytes(as: other.region), "\(comment) \(tensor.name)")
    }
    #expect(a.configuration.disagreements(with: b.configuration).isEmpty, "\(comment)")
  }

  private func source(_ id: String, seed: UInt64, at path: FilePath) throws -> OpenedModel? {
    let layout = try LayoutCatalogue.builtIn().layout(id)
    guard let configuration = try GeneratedModel.configuration(seed: seed, in: layout) else {
      return nil
    }
    let model = try GeneratedModel.model(configuration, layout, seed: seed)
    try GeneratedCheckpoint.write(model, layout, cast: .bf16, to: path)
    return try opened(path, id)
  }

  /// From one layout to another and back: byte for byte the same, for every pair that can say it.
  @Test(arguments: ids)
  func thereAndBackIsTheSame(_ id: String) throws {
    var pairs = 0
    for seed in 0..<3 as Range<UInt64> {
      let scratch = try TemporaryDirectory()
      let folder = try TemporaryDirectory()
      guard let source = try source(id, seed: seed, at: folder.path) else { continue }
      for other in Self.ids where other != id && (seed == 1 || !isOfMegatron(id, other)) {
        let there = scratch.path.appending(other)
        do {
          let away = try convert(source, to: other, at: there)
          let back = try convert(away, to: id, at: scratch.path.appending("back-\(other)"))
          try expectSame(source, back, "\(id) to \(other), seed \(seed)")
          pairs += 1
        } catch let problem as Problem {
          #expect(problem.each.allSatisfy { $0.kind == .unsupported }, "\(problem)")
        }
      }
    }
    #expect(pairs > 0 || !["qwen3_5", "qwen3_next"].contains(id), "no layout says what \(id) says")
  }

  /// However the tensors are cut into files, they are the same.
  @Test(arguments: ids)
  func anyShardSizeGivesTheSameTensors(_ id: String) throws {
    let scratch = try TemporaryDirectory()
    let folder = try TemporaryDirectory()
    guard let source = try source(id, seed: 1, at: folder.path) else { return }
    for size in [1, 300, 2000, 1 << 20] {
      let cut = try convert(
        source, to: id, at: scratch.path.appending("\(size)"), shardSize: size)
      try expectSame(source, cut, "\(id) in files of \(size)")
    }
  }
}
