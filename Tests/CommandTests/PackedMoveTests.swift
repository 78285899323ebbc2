import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// Packed weights that move into another layout stay packed.
@Suite struct PackedMoveTests {
  /// Weights of compressed-tensors with a scale in BF16 for each row.
  private static func twin() throws -> PackedTwin {
    let twin = try PackedTwin(
      Fixtures.path("huggingface/qwen3_5/text-bf16"), as: .compressedTensors)
    try twin.packed.editWeights { file in
      for tensor in file.tensors where tensor.name.hasSuffix(".weight_scale") {
        let bytes = tensor.floats.flatMap { value in
          withUnsafeBytes(of: UInt16(value.bitPattern >> 16)) { Array($0) }
        }
        file[tensor.name] = .init(tensor.name, "BF16", tensor.shape, bytes)
      }
      for tensor in file.tensors where tensor.name.hasSuffix(".input_scale") {
        file[tensor.name] = nil
      }
    }
    return twin
  }

  @Test(arguments: ["mlx-qwen3_5", "gguf-qwen35"])
  func thereAndBackIsTheSame(_ layout: String) throws {
    let twin = try Self.twin()
    let (there, back) = (twin.packed.beside("there"), twin.packed.beside("back"))
    let made = try twin.packed.graft("convert", there.string, "--to", layout)
    expectSuccess(made)
    #expect(made.output.contains("repacked compressed-tensors INT, 8 bits as "))
    expectSuccess(try GraftCommand.run("verify", there.string, twin.plain.path.string))
    if layout == "mlx-qwen3_5" {
      // Norms are stored as F32 with one added, but packed weights are what they were.
      let diff = try twin.packed.graft("diff", there.string)
      #expect(!diff.output.contains("mlp.") && !diff.output.contains("gdn."), "\(diff.output)")
    }
    expectSuccess(try GraftCommand.run("convert", there.string, back.string, "--to", "qwen3_5"))
    try expectSameTensors(back, twin.packed.path)
    let configs = try [back, twin.packed.path].map { path in
      try JSONValue(parsing: Fixtures.contents(path.appending("config.json")))
    }
    let groups = configs.map { $0["quantization_config"]?["config_groups"] }
    #expect(groups[0] != nil && groups[0] == groups[1])
  }

  /// The config of MLX names the form of most weights, and that of others module by module.
  @Test func theConfigOfMLXSaysHow() throws {
    let twin = try Self.twin()
    let there = twin.packed.beside("there")
    expectSuccess(try twin.packed.graft("convert", there.string, "--to", "mlx-qwen3_5"))
    let config = try JSONValue(parsing: Fixtures.contents(there.appending("config.json")))
    let claim = try #require(config["quantization"])
    #expect(
      claim["bits"] == 8 && claim["mode"] == "affine" && claim == config["quantization_config"])
    #expect(config["quantization_config"]?["quant_method"] == nil)
    let names = try EditableCheckpoint.tensors(of: there).keys
    #expect(names.contains { $0.hasSuffix("down_proj.biases") })
    #expect(!names.contains { $0.hasSuffix("weight_scale") })
  }

  /// Every reason is told at once, and such weights can be dequantised alone.
  @Test func whatCannotMoveIsTold() throws {
    let checkpoint = try EditableCheckpoint("huggingface/qwen3_5/text-bf16")
    let plain = checkpoint.beside("mlx")
    expectSuccess(try checkpoint.graft("convert", plain.string, "--to", "mlx-qwen3_5"))
    let twin = try PackedTwin(plain, as: .mlx)
    let out = twin.packed.beside("out").string
    expectRefusal(
      try twin.packed.graft("convert", out, "--to", "qwen3_5"), 69,
      ["packed", "biases that are whole multiples", "--dtype-for NAME=f32"])
    expectSuccess(
      try twin.packed.graft("convert", out, "--to", "qwen3_5", "--dtype-for", "*_proj*.weight=f32"))
    expectSuccess(try GraftCommand.run("verify", out, twin.plain.path.string))
  }
}
