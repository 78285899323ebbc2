import Canonical
import Containers
import Foundation
import GraftTestSupport
import Layouts
import Opening
import SystemPackage
import Tensors
import Testing

@testable import Conversion

/// How a plan is carried out does not show in what it writes.
struct ExecutionLawTests {
  private static let ids = LayoutCatalogue.writtenIDs

  /// A checkpoint of random values in some layout, and a plan for another one that can hold it.
  private func plan(_ id: String, at path: FilePath) throws -> (OpenedModel, CheckpointPlan)? {
    let catalogue = try LayoutCatalogue.builtIn()
    let layout = try catalogue.layout(id)
    guard let configuration = try GeneratedModel.configuration(seed: 2, in: layout) else {
      return nil
    }
    let model = try GeneratedModel.model(configuration, layout, seed: 2)
    try GeneratedCheckpoint.write(model, layout, cast: nil, to: path)
    let source = try OpenedModel(path, from: id, catalogue: catalogue)
    var options = ConversionOptions()
    options.maximumShardSize = 30_000
    let targets = Self.ids.filter { $0 != id } + [id]
    let plans = targets.lazy.compactMap { target in
      try? CheckpointPlan(
        converting: source, to: source.target(target, in: catalogue), options: options)
    }
    return try (source, #require(plans.first))
  }

  /// The files below a directory, and in the iteration of a run.
  private func contents(_ path: FilePath) throws -> [String: [UInt8]] {
    let names = try FileManager.default.subpathsOfDirectory(atPath: path.string)
    return Dictionary(
      uniqueKeysWithValues: try names.filter { FileKind(path.appending($0)) == .regular }.map {
        ($0, Array(try MappedFile.readAll(path.appending($0), limit: 1 << 24)))
      })
  }

  @Test(arguments: ids)
  func anyThreadsWriteTheSameBytes(_ id: String) throws {
    let (scratch, folder) = (try TemporaryDirectory(), try TemporaryDirectory())
    guard let (_, plan) = try plan(id, at: folder.path) else { return }
    let written = try [1, 3].map { threads in
      let path = scratch.path.appending("\(threads)")
      try plan.writePlainly(to: path, threads: threads)
      return try contents(path)
    }
    #expect(!written[0].isEmpty && written[1] == written[0])
  }

  /// Elements that stream through a buffer are those that are read whole.
  @Test(arguments: ids)
  func streamsHoldWhatMemoryHolds(_ id: String) throws {
    let (scratch, folder) = (try TemporaryDirectory(), try TemporaryDirectory())
    guard let (source, plan) = try plan(id, at: folder.path) else { return }
    let path = scratch.path.appending("copy")
    try plan.writePlainly(to: path)
    let copy = try OpenedModel(path, from: plan.layout, catalogue: .builtIn()).canonical
      .withNorms(zeroCentred: false)
    let whole = source.canonical.withNorms(zeroCentred: false)
    #expect(Set(copy.tensors.keys) == Set(whole.tensors.keys))
    for (role, tensor) in whole.tensors {
      let other = try #require(copy.tensors[role])
      let tolerance: Float = tensor.steps == other.steps ? 0 : 0x1p-22
      for (a, b) in try zip(tensor.floats(), other.floats()) {
        #expect(abs(a - b) <= tolerance * max(1, abs(a)), "\(role)")
      }
    }
  }
}
