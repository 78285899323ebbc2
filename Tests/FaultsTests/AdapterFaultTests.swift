import Comparison
import Diagnostics
import GraftTestSupport
import Testing
import Verification

/// Adapters that are merged wrong are told from what PEFT makes of them: every tensor by name, and the first layer.
@Suite struct AdapterFaultTests {
  @Test func theListIsRead() {
    #expect(AdapterFault.all.count >= 20)
    #expect(Set(AdapterFault.all.map(\.id)).count == AdapterFault.all.count)
  }

  @Test(arguments: AdapterFault.all)
  func everyMistakeIsSeenAndPlaced(_ fault: AdapterFault) throws {
    let sound = try MergedAdapter(fault, isSound: true)
    try sound.expectPEFT(fault)
    guard let spoilt = try spoilt(fault) else { return }
    let diff = try CheckpointDiff(sound.model, spoilt.model, threads: 1)
    #expect(Set(diff.tensors.map(\.name)) == sound.names(spoiltBy: fault))
    guard fault.step != "cut" else {
      return #expect(diff.tensors.allSatisfy { $0.here?.shape != $0.there?.shape })
    }
    let report = try spoilt.report(against: sound)
    #expect(!report.passes && report.firstDivergentLayer == fault.layer)
  }

  /// The merge with the fault; nil where it is refused, as the catalogue says.
  private func spoilt(_ fault: AdapterFault) throws -> MergedAdapter? {
    do {
      let spoilt = try MergedAdapter(fault, isSound: false)
      #expect(fault.refused == nil, "merged")
      return spoilt
    } catch let problem as Problem {
      let named = problem.each.contains { one in
        fault.refused.map { one.tensor?.contains($0) == true } ?? false
      }
      #expect(named, "\(problem)")
      return nil
    }
  }
}
