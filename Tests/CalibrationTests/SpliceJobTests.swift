import Calibration
import Canonical
import Diagnostics
import GraftTestSupport
import Opening
import Runtime
import Splicing
import Testing
import Verification

/// Splice jobs as a program does them that is not the tool.
@Suite struct SpliceJobTests {
  /// Counts what it is told of.
  private final class Counter: SpliceObserver {
    var fitted: [Int] = []
    var measured: [Int?] = []

    func fitting<Result>(
      layer: Int, steps: Int, _ fit: (_ reach: (Double) -> Void) throws -> Result
    ) throws -> Result {
      fitted.append(layer)
      return try fit { _ in }
    }

    func measuring<Result>(
      layer: Int?, positions: Int, _ measure: (_ advance: (Int) -> Void) throws -> Result
    ) throws -> Result {
      measured.append(layer)
      var done = 0
      let result = try measure { done += $0 }
      #expect(done == positions)
      return result
    }
  }

  private let model: CanonicalModel

  init() throws {
    model = try OpenedModel(Fixtures.path("trained/pytiny"), catalogue: .builtIn()).canonical
  }

  private func job(_ groups: [SpliceGroup]) -> SpliceJob {
    var job = SpliceJob(model, original: { [model] in try Model(model) }) { [model] _ in model }
    (job.groups, job.threads) = (groups, 1)
    return job
  }

  @Test func groupsAreReplacedInOrderAndMeasuredOneByOne() throws {
    var (zero, scaled) = (SpliceGroup(layers: [1]), SpliceGroup(layers: [0]))
    (zero.initialisation, scaled.initialisation) = (.zero, .transfer)
    var job = job([zero, scaled])
    let counter = Counter()
    job.observer = counter
    let (edited, reports) = try job.replaced()
    #expect(job.layers == [1, 0] && reports.keys.sorted() == [0])
    let gap = try SpliceGap(job, edited: edited, written: Model(edited))
    #expect(gap.stages.map(\.layer) == [1, 0] && gap.origin == "the built-in prompt")
    #expect(counter.fitted == [0] && counter.measured == [nil])
  }

  @Test func whatNeedsTokensSaysSo() throws {
    var group = SpliceGroup(layers: [0])
    group.initialisation = .calibrate
    let fit = try #require(throws: Problem.self) { try job([group]).replaced() }
    let rank = try #require(throws: Problem.self) { try SpliceRanking(job([]), group, top: 1) }
    #expect(fit.remedy == "add --tokens FILE" && rank.remedy == "add --tokens FILE")
  }
}
