import Canonical
import Diagnostics
import GraftTestSupport
import Layouts
import Opening
import Splicing
import SystemPackage
import Testing

@testable import Calibration

/// Fits of spliced layers of a trained model.
@Suite struct CalibrationTests {
  private let original: CanonicalModel
  private let changed: CanonicalModel
  private let sequences: CalibrationSequences

  init() throws {
    original = try OpenedModel(Fixtures.path("trained/pytiny"), catalogue: .builtIn()).canonical
    var sizing = M2RNNSizing()
    (sizing.keyDim, sizing.valueDim, sizing.heads) = (12, 8, 3)
    changed = try Splice(layers: [1], sizing: sizing, initialisation: .transfer, seed: 2)
      .applied(to: original)
    let text = try Fixtures.bytes("trained/python-source.val.bin").map(Int.init)
    sequences = try CalibrationSequences([Array(text.prefix(2100))], for: original.configuration)
  }

  private func fitted(
    _ initialisation: Splice.Initialisation, steps: Int = 12, threads: Int = 1, seed: UInt64 = 0,
    _ model: CanonicalModel? = nil
  ) throws -> (model: CanonicalModel, report: CalibrationReport) {
    var calibration = Calibration(initialisation)
    (calibration.steps, calibration.threads, calibration.seed) = (steps, threads, seed)
    return try calibration.fitted(
      model ?? changed, layer: 1, to: original, sequences, progress: { _ in })
  }

  private func values(_ model: CanonicalModel) throws -> [String: [Float]] {
    let own = model.tensors.filter { $0.key.layer == 1 && $0.key.name.hasPrefix("m2rnn.") }
    return Dictionary(
      uniqueKeysWithValues: try own.map { ($0.key.name, try $0.value.floats()) })
  }

  @Test func everyStageIsBetter() throws {
    let scaled = try fitted(.transfer).report
    #expect(scaled.after < 1 && scaled.after < scaled.before && scaled.steps == 0)
    let report = try fitted(.calibrate, steps: 60).report
    #expect(report.closedForm < scaled.after)
    #expect(report.after < 0.97 * report.closedForm && report.steps == 60)
    #expect(report.ridge == 1e-6 && report.condition > 1)
    #expect(report.tokens.fitting == 28 * 64 && report.tokens.heldOut == 4 * 64)
  }

  @Test func scalesChangeTheNormAlone() throws {
    let (before, after) = (try values(changed), try values(fitted(.transfer).model))
    #expect(before["m2rnn.norm"] != after["m2rnn.norm"])
    for (name, value) in before where name != "m2rnn.norm" { #expect(after[name] == value) }
    for head in 0..<3 {
      let ratios = (head * 8..<(head + 1) * 8).map {
        (after["m2rnn.norm"]?[$0] ?? 0) / (before["m2rnn.norm"]?[$0] ?? 1)
      }
      #expect((ratios.max() ?? 0) - (ratios.min() ?? 0) < 1e-5 * abs(ratios[0]))
    }
  }

  @Test func seedsDecideAndThreadsDoNot() throws {
    let first = try values(fitted(.calibrate).model)
    #expect(try first == values(fitted(.calibrate, threads: 3).model))
    #expect(try first != values(fitted(.calibrate, seed: 1).model))
  }

  /// A layer that is fitted to what it writes itself finds its output projection again.
  @Test func aProjectionIsFoundAgain() throws {
    let truth = try fitted(.calibrate, steps: 0).model
    var lost = truth
    let role = Role("m2rnn.o", layer: 1)
    let o = try #require(truth.tensors[role])
    lost.tensors[role] = CanonicalTensor(
      shape: o.shape, values: try o.floats().map { -3 * $0 + 0.01 }, origin: "lost")
    let calibration = Calibration(.calibrate)
    var one = calibration
    one.steps = 0
    let report = try one.fitted(
      lost, layer: 1, to: truth, sequences, progress: { _ in }
    ).report
    #expect(report.before > 3 && report.after < 2e-3)
  }

  @Test func onlyWhereThereIsSomethingToFit() throws {
    var silent = original
    let role = Role("gdn.o", layer: 1)
    let o = try #require(original.tensors[role])
    func model(_ value: Float) -> CanonicalModel {
      silent.tensors[role] = CanonicalTensor(
        shape: o.shape, values: Array(repeating: value, count: o.count), origin: "o")
      return silent
    }
    for (value, what) in [(Float(0), "the same everywhere"), (.nan, "not finite")] {
      let problem = try #require(throws: Problem.self) {
        _ = try Calibration(.transfer).fitted(
          changed, layer: 1, to: model(value), sequences, progress: { _ in })
      }
      #expect(problem.kind == .invalid && problem.layer == 1 && problem.what.contains(what))
    }
    let problem = try #require(throws: Problem.self) {
      _ = try CalibrationSequences([Array(repeating: 1, count: 1000)], for: original.configuration)
    }
    #expect(problem.kind == .invalid && problem.found?.contains("1000 tokens") == true)
  }

  /// A new layer that writes nothing cannot be scaled or projected.
  @Test func singularEquationsAreRefused() throws {
    var model = changed
    for name in ["m2rnn.v", "m2rnn.g"] {
      let role = Role(name, layer: 1)
      let old = try #require(changed.tensors[role])
      model.tensors[role] = CanonicalTensor(
        shape: old.shape, values: Array(repeating: 0, count: old.count), origin: "zero")
    }
    for initialisation in [Splice.Initialisation.transfer, .calibrate] {
      let problem = try #require(throws: Problem.self) { _ = try fitted(initialisation, model) }
      #expect(problem.kind == .invalid && problem.what.contains("singular"))
    }
  }
}
