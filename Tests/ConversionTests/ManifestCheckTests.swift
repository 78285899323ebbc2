import Diagnostics
import Foundation
import GraftTestSupport
import Layouts
import Opening
import SystemPackage
import Testing
import Threads

@testable import Conversion

/// The comparison of hashes notices an output that is not what was moved.
struct ManifestCheckTests {
  @Test(arguments: [
    ("qwen3_5_moe", "model.layers.0.linear_attn.in_proj_z.weight", "other values of gdn.z"),
    ("qwen3_5_moe", "model.layers.1.input_layernorm.weight", "other bytes than"),
    ("qwen3_next", "lm_head.weight", "other bytes than"),
  ])
  func aChangedOutputIsNoticed(layout: String, tensor: String, found: String) throws {
    let scratch = try TemporaryDirectory()
    let source = try OpenedModel(
      Fixtures.path("huggingface/qwen3_next/bf16"), catalogue: .builtIn())
    let plan = try CheckpointPlan(
      converting: source, to: source.target(layout, in: .builtIn()), options: ConversionOptions())
    let path = scratch.path.appending("out")
    try plan.writePlainly(to: path)
    func manifest() throws -> String {
      let output = try OpenedModel(path, from: layout, catalogue: .builtIn())
      return try ConversionRecord(plan, of: output, "0", ThreadPool(threads: 2)).text
    }
    _ = try manifest()
    let file = path.appending("model.safetensors")
    var weights = try PlainCheckpointFile(file)
    weights[tensor]?.bytes[0] ^= 1
    try Data(weights.bytes).write(to: URL(fileURLWithPath: file.string))
    do {
      _ = try manifest()
      Issue.record("nothing was noticed")
    } catch let problem as Problem {
      #expect(problem.kind == .io && problem.tensor == tensor)
      #expect(problem.found?.hasPrefix(found) == true, "\(problem.text)")
    }
  }
}
