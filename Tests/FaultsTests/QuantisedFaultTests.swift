import GraftTestSupport
import Tensors
import Testing
import Verification

/// The gate for quantised weights lets rounding pass and nothing else.
@Suite struct QuantisedFaultTests {
  /// Rounding to the nearest level is what the gate explains, in every way of packing.
  @Test(arguments: QuantisedCopy.Form.allCases)
  func roundingPasses(_ form: QuantisedCopy.Form) throws {
    let found = try QuantisedFaults.findings(form, nil)
    #expect(found.original.passes && found.layers.passes, "\(found.original.json)")
    #expect(found.worst > 0.5 && found.worst < 1.3, "\(found.worst)")
    #expect(found.worstSoundLayer < 1.6, "\(found.worstSoundLayer)")
  }

  /// Every fault in every way of packing fails, and verify names the layer and the tensor.
  @Test(arguments: QuantisedFaults.all)
  func everyFaultIsPlaced(_ fault: QuantisedFaults.Fault) throws {
    #expect(!fault.forms.isEmpty && (fault.kind != nil || fault.id == "norm-shifted"))
    for form in fault.forms {
      let found = try QuantisedFaults.findings(form, fault)
      let place = "\(fault.id) in \(form.rawValue)"
      #expect(found.isPlaced, "\(place): \(found.original.json)")
      if fault.kind != nil {
        #expect(found.outside.allSatisfy { $0.hasPrefix("gdn.") }, "\(place): \(found.outside)")
        #expect(!found.outside.isEmpty, "\(place)")
      }
      #expect(found.worstSoundLayer < 1.6, "\(place): \(found.worstSoundLayer)")
    }
  }

  /// The same of blocks of GGUF; in a plain run in the first type that can have each.
  @Test(arguments: BlockFaults.all)
  func everyFaultOfBlocksIsPlaced(_ fault: BlockFaults.Fault) throws {
    let type = try #require(fault.types.first)
    expectPlaced(try BlockFaults.findings(type, fault.kind), "\(fault.id) in \(type.rawValue)")
  }

  @Test(arguments: [ScalarType.q4K, .q8Zero])
  func roundingOfBlocksPasses(_ type: ScalarType) throws {
    let found = try BlockFaults.findings(type, nil)
    #expect(found.original.passes && found.layers.passes, "\(found.original.json)")
  }

  private func expectPlaced(_ found: QuantisedFaults.Findings, _ place: String) {
    #expect(found.isPlaced, "\(place): \(found.original.json)")
    #expect(!found.outside.isEmpty, "\(place)")
    #expect(found.outside.allSatisfy { $0.hasPrefix("gdn.") }, "\(place): \(found.outside)")
  }
}
