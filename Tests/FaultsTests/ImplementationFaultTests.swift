import Testing
import Verification

/// What a program with a mistake computes is told from what the checkpoint means, at the right layer.
@Suite struct ImplementationFaultTests {
  @Test func theListIsRead() {
    #expect(ImplementationFaults.all.count >= 10)
  }

  @Test(arguments: ImplementationFaults.all)
  func everyMistakeIsPlaced(_ fault: ImplementationFaults.Fault) throws {
    let report = try ImplementationFaults.report(fault)
    #expect(!report.passes, "\(fault.id)")
    #expect(report.firstDivergentLayer == fault.layer, "\(fault.id)")
  }
}
