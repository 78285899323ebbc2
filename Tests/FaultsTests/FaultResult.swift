import GraftTestSupport
import Verification

/// What became of one fault in one base.
struct FaultResult {
  let fault: Fault
  let base: Base
  /// The layer that has to be named; nil where only the head is wrong.
  let expectedLayer: Int?
  let findings: Findings
  let floor: Double

  /// Plants a fault and asks every detector.
  /// - Returns: nil where the fault cannot be planted in the base.
  init?(_ fault: Fault, in sound: SoundCheckpoint) throws {
    guard fault.isMeant(for: sound.base.name) else { return nil }
    do {
      let planting = try Planting(fault, in: sound)
      self.fault = fault
      base = sound.base
      expectedLayer = planting.expectedLayer
      findings = try Findings(of: planting.copy.path, sound)
      floor = sound.floor
    } catch is NotApplicable {
      return nil
    }
  }

  /// The detectors that see it without the original.
  var alone: Set<String> {
    var names: Set<String> = []
    if findings.refusal != nil, findings.source == nil { names.insert("refused") }
    if !findings.signs.isEmpty { names.insert("sign") }
    if !findings.audit.isEmpty { names.insert("audit") }
    if findings.conversion != nil { names.insert("convert") }
    return names
  }

  /// All detectors that see it.
  var detectors: Set<String> {
    var names = alone
    if findings.differences > 0 { names.insert("diff") }
    if let report = findings.source {
      if !report.passes { names.insert("verify f32") }
      if !report.judged(by: .bf16).passes { names.insert("verify bf16") }
    }
    if let report = findings.reference, !report.passes { names.insert("reference") }
    return names
  }

  /// Whether a comparison that fails names the right layer; nil where it passes.
  func isPlaced(_ report: VerificationReport?) -> Bool? {
    guard let report, !report.passes else { return nil }
    return report.firstDivergentLayer == expectedLayer
  }

  /// What the catalogue asks for beside the detectors: that verify names the right layer.
  static let placing = "layer"

  /// What is not as the catalogue wants it; empty where all is.
  /// - Parameter blind: a detector that counts as if it saw nothing.
  func complaints(without blind: String? = nil) -> [String] {
    let seen = detectors.filter { $0 != blind }
    var list = fault.alone.subtracting(seen).sorted().map { "\($0) does not see it" }
    if seen.isEmpty { list.append("no detector sees it") }
    let passes = blind == "verify f32" ? true : findings.source?.passes
    switch fault.verdict {
    case .fails where passes != false: list.append("verify passes")
    case .refused where findings.source != nil: list.append("verify runs it")
    case .unseen where passes == false: list.append("verify fails")
    default: break
    }
    if isPlaced(findings.source) == false || (blind == Self.placing && expectedLayer != nil) {
      let found = findings.source?.firstDivergentLayer
      list.append("verify names layer \(text(found)), not \(text(expectedLayer))")
    }
    if let reference = findings.reference, !reference.layers.isEmpty,
      isPlaced(reference) == false
    {
      list.append(
        "the reference names layer \(text(reference.firstDivergentLayer)), not \(text(expectedLayer))"
      )
    }
    return list.map { "\(fault.id) in \(base.name): \($0)" }
  }

  private func text(_ layer: Int?) -> String { layer.map(String.init) ?? "none" }
}
