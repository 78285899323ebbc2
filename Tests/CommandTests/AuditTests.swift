import Foundation
import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// `inspect --audit`: values that no sound checkpoint has.
@Suite struct AuditTests {
  private func findings(_ checkpoint: FilePath, exitCode: Int32) throws -> [JSONValue] {
    let result = try GraftCommand.run("inspect", checkpoint.string, "--audit", "--json")
    #expect(result.exitCode == exitCode, "\(result)")
    return try result.json()["audit"]?["findings"]?.array ?? []
  }

  /// Trained and random models of every kind are sound.
  @Test func soundCheckpointsHaveNoErrors() throws {
    for name in Fixtures.checkpoints where !name.hasPrefix("options/") {
      let found = try findings(Fixtures.path(name), exitCode: 0)
      #expect(found.allSatisfy { $0["severity"] == "warning" }, "\(name): \(found)")
    }
  }

  /// A layer that a splice has just begun may hold zeros and ones.
  @Test(arguments: ["reference", "zero", "tracking", "transfer"])
  func freshLayersHaveNoErrors(_ strategy: String) throws {
    for name in ["trained/pytiny", "huggingface/qwen3_5/text-bf16"] {
      let checkpoint = try EditableCheckpoint(name)
      let out = checkpoint.beside("out")
      expectSuccess(
        try checkpoint.graft("splice", out.string, "--layer", "0", "--init", strategy))
      let found = try findings(out, exitCode: 0)
      #expect(found.allSatisfy { $0["severity"] == "warning" }, "\(name): \(found)")
    }
  }

  static let faults: [(kind: String, change: @Sendable (inout [Float]) -> Void)] = [
    ("nan", { $0[5] = .nan }),
    ("infinite", { $0[7] = -.infinity }),
    ("zero", { $0 = $0.map { _ in 0 } }),
    ("constant", { $0 = $0.map { _ in 0.25 } }),
    ("outlier", { $0[9] = 1e30 }),
    ("zero_tail", { for index in ($0.count - 100)..<$0.count { $0[index] = 0 } }),
  ]

  @Test(arguments: faults.indices)
  func aDamagedTensorIsNamed(fault: Int) throws {
    let checkpoint = try EditableCheckpoint("lm-engine/gdn-hybrid")
    let name = "transformer.h.1.mlp_block.c_fc.weight"
    try checkpoint.editWeights { file in
      if var tensor = file[name] {
        var values = tensor.floats
        Self.faults[fault].change(&values)
        tensor.floats = values
        file[name] = tensor
      }
    }
    let found = try findings(checkpoint.path, exitCode: 1)
    #expect(found.count == 1, "\(found)")
    #expect(found.first?["kind"] == .string(Self.faults[fault].kind))
    #expect(found.first?["tensor"] == .string(name))
  }

  /// A changed bit that no statistic shows differs from the recorded hash.
  @Test func aFlippedBitDiffersFromTheManifest() throws {
    let folder = try TemporaryDirectory()
    let out = folder.path.appending("out")
    expectSuccess(
      try GraftCommand.run("convert", Fixtures.path("lm-engine/gdn-hybrid").string, out.string))
    #expect(try findings(out, exitCode: 0).isEmpty)
    var bytes = try Fixtures.contents(out.appending("model.safetensors"))
    bytes[bytes.count - 1000] ^= 1
    try Data(bytes).write(to: URL(fileURLWithPath: out.appending("model.safetensors").string))
    let found = try findings(out, exitCode: 1)
    #expect(found.map { $0["kind"] } == ["hash"])
  }
}
