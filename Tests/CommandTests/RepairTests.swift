import Containers
import Foundation
import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// Damage that an audit can name is mended, and nothing else changes.
@Suite struct RepairTests {
  /// Ways to store a model.
  enum Form: String, CaseIterable {
    case huggingFace, mlx, gguf, packedMLX, compressedTensors

    /// What layouts add to norms of their layers.
    var isCentredAtOne: Bool { self != .huggingFace && self != .compressedTensors }
    var decay: String { self == .gguf ? "ssm_a" : "A_log" }
  }

  private static let dense = "huggingface/qwen3_5/text-bf16"
  private static let norms = [
    "input_layernorm.weight", "post_attention_layernorm.weight", "q_norm.weight", "k_norm.weight",
    "model.norm.weight", "attn_norm.weight", "post_attention_norm.weight", "output_norm.weight",
  ]

  /// A sound model in some form, with decay rates that tell how they are stored.
  private static func sound(_ form: Form) throws -> EditableCheckpoint {
    let checkpoint = try EditableCheckpoint(dense)
    try damage(checkpoint, { $0.hasSuffix("A_log") }) { (($0 + 4.5) * 4).rounded() / 4 }
    switch form {
    case .huggingFace: return checkpoint
    case .mlx: return try converted(checkpoint, "mlx-qwen3_5")
    case .gguf: return try converted(checkpoint, "gguf-qwen35")
    case .packedMLX:
      let mlx = try converted(checkpoint, "mlx-qwen3_5")
      return try withExtendedLifetime(mlx) { try PackedTwin(mlx.path, as: .mlx).packed }
    case .compressedTensors: return try PackedTwin(checkpoint.path, as: .compressedTensors).packed
    }
  }

  private static func converted(_ checkpoint: EditableCheckpoint, _ layout: String) throws
    -> EditableCheckpoint
  {
    let out = checkpoint.beside("out")
    expectSuccess(try checkpoint.graft("convert", out.string, "--to", layout, "--no-manifest"))
    return try EditableCheckpoint(copying: out)
  }

  /// Changes the values of some tensors, in their type or, where that would not hold them, as F32.
  private static func damage(
    _ checkpoint: EditableCheckpoint, _ isMeant: (String) -> Bool, _ change: (Float) -> Float
  ) throws {
    let stored = try StoredCheckpoint.open(checkpoint.path)
    guard stored.container == .gguf else {
      return try checkpoint.editWeights { file in
        for (index, tensor) in file.tensors.enumerated() where isMeant(tensor.name) {
          file.tensors[index] = changed(tensor, tensor.floats.map(change))
        }
      }
    }
    var bytes = try checkpoint.bytes(stored.weightFiles[0])
    for tensor in stored.tensors where isMeant(tensor.name) {
      bytes.withUnsafeMutableBytes { bytes in
        for offset in stride(
          from: tensor.region.range.lowerBound, to: tensor.region.range.upperBound, by: 4)
        {
          let value = bytes.loadUnaligned(fromByteOffset: offset, as: Float.self)
          bytes.storeBytes(of: change(value), toByteOffset: offset, as: Float.self)
        }
      }
    }
    try checkpoint.write(stored.weightFiles[0], bytes)
  }

  private static func changed(_ tensor: PlainCheckpointFile.Tensor, _ values: [Float])
    -> PlainCheckpointFile.Tensor
  {
    let bits = values.map(\.bitPattern)
    guard tensor.type == "BF16", bits.allSatisfy({ $0 & 0xffff == 0 }) else {
      return .init(tensor.name, tensor.shape, values)
    }
    let bytes = bits.flatMap { [UInt8($0 >> 16 & 255), UInt8($0 >> 24)] }
    return .init(tensor.name, "BF16", tensor.shape, bytes)
  }

  private static func contents(_ path: FilePath) throws -> [String: [UInt8]] {
    try StoredCheckpoint.open(path).tensors.reduce(into: [:]) { contents, tensor in
      contents[tensor.name] = try tensor.region.withBytes { Array($0) }
    }
  }

  private func expectMended(_ checkpoint: EditableCheckpoint, as sound: EditableCheckpoint) throws
    -> JSONValue
  {
    #expect(try checkpoint.graft("inspect", "--audit").exitCode == 1)
    let out = checkpoint.beside("mended")
    let report = try checkpoint.graft("repair", out.string, "--json").json()
    #expect(try Self.contents(out) == Self.contents(sound.path))
    #expect(try GraftCommand.run("inspect", "--audit", out.string).exitCode == 0)
    let mends = report["mends"]?.array ?? []
    let unchanged = report["unchanged_tensors"]?.int ?? 0
    #expect(
      unchanged + mends.count { $0["tensor"]?.string != nil } == (try Self.contents(out).count))
    return report
  }

  @Test(arguments: Form.allCases) func normsComeBackByteForByte(_ form: Form) throws {
    let sound = try Self.sound(form)
    let checkpoint = try EditableCheckpoint(copying: sound.path)
    try Self.damage(checkpoint, { name in Self.norms.contains(where: name.hasSuffix) }) {
      form.isCentredAtOne ? $0 - 1 : $0 + 1
    }
    let report = try expectMended(checkpoint, as: sound)
    let mend = try #require(report["mends"]?.array?.first)
    #expect(mend["kind"]?.string == "norm", "\(mend)")
    #expect(mend["before"]?.string != mend["after"]?.string)
  }

  /// Of logarithms that have the same `-exp`, the roundest was meant.
  @Test(arguments: Form.allCases) func decayRatesComeBackByteForByte(_ form: Form) throws {
    let sound = try Self.sound(form)
    let checkpoint = try EditableCheckpoint(copying: sound.path)
    try Self.damage(checkpoint, { $0.hasSuffix(form.decay) }) {
      form == .gguf ? log(-$0) : -exp($0)
    }
    _ = try expectMended(checkpoint, as: sound)
  }
}
