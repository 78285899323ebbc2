import Foundation
import GraftTestSupport
import Testing
import Threads

/// Every fault of the catalogue is caught, and placed in the right layer.
@Suite struct FaultTests {
  /// Where `make faults` wants the tables; nil in a plain run of the tests.
  private static let output = ProcessInfo.processInfo.environment["GRAFT_FAULTS"]

  @Test func theCatalogueIsRead() {
    #expect(FaultCatalogue.faults.count >= 100)
    #expect(Set(FaultCatalogue.faults.map(\.id)).count == FaultCatalogue.faults.count)
    #expect(FaultCatalogue.bases.count >= 25)
  }

  /// Each fault once, in the first base that it can be planted in.
  @Test(.enabled(if: output == nil))
  func everyFaultIsCaught() throws {
    var left = FaultCatalogue.faults
    var results: [FaultResult] = []
    for base in FaultCatalogue.bases {
      let sound = try SoundCheckpoint(base, isWhole: false)
      left = try left.filter { fault in
        guard let result = try FaultResult(fault, in: sound) else { return true }
        #expect(result.complaints().isEmpty, "\(result.complaints())")
        results.append(result)
        return false
      }
    }
    #expect(left.isEmpty, "never planted: \(left.map(\.id))")
    expectBlindnessToShow(results)
  }

  /// If any one detector saw nothing, some fault would be missed.
  private func expectBlindnessToShow(_ results: [FaultResult]) {
    // What diff shows verify finds too, for it compares values.
    for blind in ["refused", "sign", "audit", "convert", "verify f32", FaultResult.placing] {
      #expect(
        results.contains { !$0.complaints(without: blind).isEmpty }, "\(blind) could be blind")
    }
  }

  /// Each fault in every base that it can be planted in, for `make faults`.
  @Test(.enabled(if: output != nil))
  func theTablesAreWritten() throws {
    let results = try ThreadPool(threads: 0).map(FaultCatalogue.bases) { base in
      let sound = try SoundCheckpoint(base, isWhole: true)
      return try FaultCatalogue.faults.compactMap { try FaultResult($0, in: sound) }
    }.flatMap(\.self)
    let complaints = results.flatMap { $0.complaints() }
    #expect(complaints.isEmpty, "\(complaints.joined(separator: "\n"))")
    let planted = Set(results.map(\.fault.id))
    let left = FaultCatalogue.faults.map(\.id).filter { !planted.contains($0) }
    #expect(left.isEmpty, "never planted: \(left)")
    guard let output = Self.output else { return }
    try FaultTables(results).write(to: URL(fileURLWithPath: output))
  }

  /// Each fault of quantised weights in every way of packing that can have it, for `make faults`.
  @Test(.enabled(if: output != nil))
  func theTableOfQuantisedWeightsIsWritten() throws {
    let rows = try QuantisedFaultRow.all()
    let complaints = rows.flatMap(\.complaints)
    #expect(complaints.isEmpty, "\(complaints.joined(separator: "\n"))")
    guard let output = Self.output else { return }
    try Data(QuantisedFaultRow.page(rows).utf8)
      .write(to: URL(fileURLWithPath: output).appendingPathComponent("faults-quantised.md"))
  }
}
