import Foundation
import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// Checkpoints whose values are stored in another way than their names say.
@Suite struct AssumptionTests {
  private static let fixture = "huggingface/qwen3_5_moe/text-f32"
  private let checkpoint: EditableCheckpoint

  init() throws { checkpoint = try EditableCheckpoint(Self.fixture) }

  private func edit(_ suffixes: [String], _ body: (inout PlainCheckpointFile.Tensor) -> Void) throws
  {
    try checkpoint.editWeights { file in
      for index in file.tensors.indices
      where suffixes.contains(where: file.tensors[index].name.hasSuffix) {
        body(&file.tensors[index])
      }
    }
  }

  private func convert(_ options: String...) throws -> CommandResult {
    let out = checkpoint.beside("out").string
    return try GraftCommand.run(["convert", checkpoint.path.string, out] + options)
  }

  private func sign(_ subject: String) throws -> JSONValue? {
    let document = try GraftCommand.run("inspect", checkpoint.path.string, "--json").json()
    return document["signs"]?.array?.first { $0["subject"] == .string(subject) }
  }

  /// The output is the original again, and computes what it did.
  private func expectRepaired(tolerance: Float) throws {
    let out = checkpoint.beside("out")
    let original = try EditableCheckpoint.tensors(of: Fixtures.path(Self.fixture))
    for (name, tensor) in try EditableCheckpoint.tensors(of: out) {
      let expected = original[name]?.floats ?? []
      let error = zip(tensor.floats, expected).map { abs($0 - $1) }.max() ?? .infinity
      #expect(tensor.shape == original[name]?.shape && error <= tolerance, "\(name)")
    }
    let reference = Fixtures.path(Self.fixture).appending("reference.safetensors").string
    expectSuccess(try GraftCommand.run("verify", out.string, "--reference", reference))
  }

  private static let norms = [
    "layernorm.weight", "q_norm.weight", "k_norm.weight", "model.norm.weight",
  ]

  @Test(arguments: [Float(1), 2])
  func addedNormOffsetsAreSeenAndTakenOff(offset: Float) throws {
    #expect(try sign("norms")?["verdict"] == "agrees")
    try edit(Self.norms) { $0.floats = $0.floats.map { $0 + offset } }
    #expect(try sign("norms")?["verdict"] == "contradicts")
    let refused = try convert("--to", "qwen3_5_moe")
    #expect(refused.exitCode == 69)
    #expect(refused.errors.contains("--assume norm-offset=\(Int(offset)) or norm-offset=0"))
    expectSuccess(try convert("--assume", "norm-offset=\(Int(offset))"))
    try expectRepaired(tolerance: 3e-7)
  }

  /// The user may know better.
  @Test func theLayoutMayBeConfirmed() throws {
    try edit(Self.norms) { $0.floats = $0.floats.map { $0 + 1 } }
    expectSuccess(try convert("--assume", "norm-offset=0"))
    let before = try EditableCheckpoint.tensors(of: checkpoint.path)
    #expect(try EditableCheckpoint.tensors(of: checkpoint.beside("out")) == before)
  }

  @Test func anExponentiatedDecayIsUndone() throws {
    try edit(["A_log"]) { $0.floats = $0.floats.map { -Float(exp(Double($0))) } }
    #expect(try sign("A_log")?["verdict"] == "undecided")
    expectSuccess(try convert("--assume", "A_log=negexp"))
    try expectRepaired(tolerance: 5e-7)
  }

  /// Values that cannot be what the user says are refused.
  @Test func aDecayAboveZeroIsNoExponential() throws {
    try edit(["A_log"]) { $0.floats = $0.floats.map(abs) }
    let refused = try convert("--assume", "A_log=negexp")
    #expect(refused.exitCode == 69 && refused.errors.contains("A_log"))
  }

  @Test func tiledValueHeadsAreGrouped() throws {
    func tile(
      _ tensor: inout PlainCheckpointFile.Tensor, axis: Int, width: Int, from start: Int = 0
    ) {
      let rows = tensor.shape[axis] - start
      let outer = tensor.shape[..<axis].reduce(1, *)
      let inner = tensor.shape[(axis + 1)...].reduce(1, *)
      let heads = PlainTensor(shape: [rows], counting: 0)
        .reordered(axis: 0, factors: [2, rows / width / 2, width], order: [1, 0, 2])
      var values = tensor.floats
      let old = values
      for block in 0..<outer {
        for (row, source) in heads.values.enumerated() {
          for column in 0..<inner {
            let base = block * tensor.shape[axis] + start
            values[(base + row) * inner + column] = old[(base + source) * inner + column]
          }
        }
      }
      tensor.floats = values
    }
    try checkpoint.editWeights { file in
      for index in file.tensors.indices {
        let name = file.tensors[index].name
        guard name.contains("linear_attn.") else { continue }
        let (dv, keys) = (24, 2 * 2 * 16)
        switch name.split(separator: ".").dropFirst(4).joined(separator: ".") {
        case "A_log", "dt_bias": tile(&file.tensors[index], axis: 0, width: 1)
        case "in_proj_a.weight", "in_proj_b.weight": tile(&file.tensors[index], axis: 0, width: 1)
        case "in_proj_z.weight": tile(&file.tensors[index], axis: 0, width: dv)
        case "in_proj_qkv.weight", "conv1d.weight":
          tile(&file.tensors[index], axis: 0, width: dv, from: keys)
        case "out_proj.weight": tile(&file.tensors[index], axis: 1, width: dv)
        default: break
        }
      }
    }
    let reference = Fixtures.path(Self.fixture).appending("reference.safetensors").string
    let wrong = try GraftCommand.run("verify", checkpoint.path.string, "--reference", reference)
    #expect(wrong.exitCode == 1)
    expectSuccess(
      try GraftCommand.run(
        "verify", checkpoint.path.string, "--reference", reference, "--assume", "value-heads=tiled")
    )
    expectSuccess(try convert("--assume", "value-heads=tiled"))
    try expectRepaired(tolerance: 0)
  }

  @Test func whatIsNoAssumptionIsRefused() throws {
    for text in ["norm-offset", "norm-offset=7", "A_log=linear", "heads=tiled", ""] {
      #expect(try convert("--assume", text).exitCode == 64, "\(text)")
    }
  }
}
