import Foundation
import GraftTestSupport
import Layouts
import Opening
import Runtime
import SystemPackage
import Testing
import Verification

/// A reference file may hold several references; each of them counts.
@Suite struct NamedReferenceTests {
  private func report(_ body: (inout PlainCheckpointFile) -> Void) throws -> VerificationReport {
    let folder = try TemporaryDirectory()
    let fixture = Fixtures.path("lm-engine/gdn-hybrid")
    var file = try PlainCheckpointFile(fixture.appending("reference.safetensors"))
    let logits = try #require(file["logits"])
    file.tensors.append(.init("again.logits", "F32", logits.shape, logits.bytes))
    let ids = try #require(file["input_ids"])
    file.tensors.append(
      .init("short.input_ids", "I64", [1, 3], Array(ids.bytes[..<24])))
    let width = (logits.shape.last ?? 0) * 4 * 3
    file.tensors.append(
      .init("short.logits", "F32", [1, 3, logits.shape.last ?? 0], Array(logits.bytes[..<width])))
    body(&file)
    let path = folder.path.appending("reference.safetensors")
    try Data(file.bytes).write(to: URL(fileURLWithPath: path.string))
    let model = try Model(OpenedModel(fixture, catalogue: .builtIn()).canonical)
    return try Verifier(model, gate: Gate("f32"), threads: 1)
      .compare(with: ReferenceFile(path), file: path.string)
  }

  @Test func allOfThemAreCompared() throws {
    let report = try report { _ in }
    #expect(report.passes && report.named.map(\.name) == ["again", "short"])
    #expect(report.named.map(\.report.logits.positions) == [report.logits.positions, 3])
  }

  @Test(arguments: ["again.logits", "short.logits"])
  func oneThatDiffersFails(name: String) throws {
    let report = try report { file in
      if var tensor = file[name] {
        tensor.floats[5] += 0.01
        file[name] = tensor
      }
    }
    #expect(!report.passes && report.firstDivergentLayer == nil)
    #expect(report.named.filter { !$0.report.passes }.map { $0.name + ".logits" } == [name])
  }

  /// What only a longer prompt shows is looked for in the hidden states of the others.
  @Test func hiddenStatesOfOtherPromptsTellTheLayer() throws {
    let report = try report { file in
      for index in 3..<5 {
        guard var tensor = file["hidden.\(index)"] else { continue }
        for place in tensor.floats.indices { tensor.floats[place] += 3e-5 }
        file["hidden.\(index)"] = tensor
      }
      if var tensor = file["again.logits"] {
        tensor.floats[5] += 0.01
        file["again.logits"] = tensor
      }
    }
    #expect(report.layers.allSatisfy { report.gate.passes($0.hidden) } && !report.passes)
    #expect(report.firstDivergentLayer == 2)
  }
}
