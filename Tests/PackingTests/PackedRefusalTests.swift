import Diagnostics
import GraftTestSupport
import JSON
import Packing
import Tensors
import Testing

/// What a config says and parts deny, or what is not read, is named.
struct PackedRefusalTests {
  private typealias Literal = PackedLiteral

  @Test func theLiteralsThemselvesOpen() throws {
    for literal in [
      Literal.mlx, .mxfp4, .integers, .gptq, .awq, .nf4, .int8, .modelOpt,
    ] {
      #expect(literal.problem() == nil)
      #expect(try literal.open() != nil)
    }
  }

  @Test(
    arguments: [
      (Literal.mlx.with(["group_size": 64, "bits": 8]), "8 bits in groups of 64"),
      (.mlx.with(["group_size": 32, "bits": 4]), "4 bits in groups of 32"),
      (.mlx.with(["group_size": 64, "bits": 4, .init(module): false]), "a plain weight"),
      (.mlx.with(["group_size": 32, "bits": 4, "mode": "mxfp4"]), "4 bits in groups of 32"),
      (.mxfp4.with(".biases", .bf16, [1, 1]), "no biases"),
      (.mxfp4.with(".global_scale", .f32, [1]), "mode nvfp4"),
      (.integers.with(PackedLiteral.compressed(["num_bits": 8, "group_size": 32])), "8 bits"),
      (
        .integers.with(
          PackedLiteral.compressed(["num_bits": 4, "group_size": 32, "symmetric": false])),
        "zero points"
      ),
      (
        .integers.with(
          PackedLiteral.compressed(["num_bits": 4, "group_size": 32], ["ignore": [.init(module)]])),
        "a plain weight"
      ),
      (
        .integers.with(
          PackedLiteral.compressed(["num_bits": 8, "type": "float", "strategy": "channel"])),
        "FP8"
      ),
      (.gptq.with(["bits": 8, "group_size": 32]), "8 bits for 8 outputs"),
      (.gptq.with(["bits": 4, "group_size": 128]), "groups of 128"),
      (.awq.with(["bits": 8, "group_size": 32]), "8 bits"),
      (.awq.with(["bits": 4, "group_size": 48]), "groups of 48"),
      (.nf4.with(["load_in_8bit": true]), "8 bits"),
      (.nf4.with(["load_in_4bit": true, "bnb_4bit_quant_type": "fp4"]), "fp4"),
      (.int8.with(["load_in_4bit": true]), "4 bits"),
      (.modelOpt.with(["quantization": ["quant_algo": "FP8"]]), "FP8"),
      (.modelOpt.with(["quantized_layers": [.init(module): ["quant_algo": "FP8"]]]), "FP8"),
    ] as [(PackedLiteral, String)])
  func configAndPartsThatDisagreeAreNamed(literal: PackedLiteral, expected: String) throws {
    let problem = try #require(literal.problem())
    #expect(problem.kind == .invalid)
    #expect(problem.what.contains("disagree"))
    #expect(problem.tensor?.hasPrefix(PackedLiteral.module) == true)
    #expect(problem.expected?.contains(expected) == true, "\(problem.text)")
  }

  @Test(
    arguments: [
      (Literal.mlx.with(["mode": "mxfp3"]), "mxfp3"),
      (.mlx.with(["group_size": 64, "bits": 4, "rotation": "hadamard"]), "rotation"),
      (.integers.with(["format": "marlin-24"]), "marlin-24"),
      (.integers.with(["sparsity_config": ["format": "sparse-24-bitmask"]]), "sparse-24-bitmask"),
      (.integers.with(["transform_config": ["config_groups": ["u": [:]]]]), "transform_config"),
      (
        .integers.with(PackedLiteral.compressed(["num_bits": 6, "type": "float"])),
        "float of 6 bits"
      ),
      (.gptq.with(["bits": 4, "checkpoint_format": "marlin"]), "marlin"),
      (.gptq.with(["bits": 4, "pack_dtype": "int64"]), "int64"),
      (.gptq.with(["bits": 4, "packing_format": "auto_round:llm_compressor"]), "llm_compressor"),
      (.awq.with(["bits": 4, "version": "gemv"]), "gemv"),
      (.awq.with(["bits": 4, "version": "GEMV_FAST"]), "gemv_fast"),
      (.awq.with(["bits": 4, "backend": "llm-awq"]), "llm-awq"),
      (.nf4.with(["load_in_4bit": true, "bnb_4bit_quant_type": "af4"]), "af4"),
      (.int8.with(".weight_format", .u8, [], [1]), "1"),
      (.modelOpt.with(["quantization": ["quant_algo": "W4A16_AWQ"]]), "W4A16_AWQ"),
      (.modelOpt.with(".pre_quant_scale", .f32, [32]), "what goes in"),
      (
        PackedLiteral(
          method: CompressedTensorsPacking.self, claim: nil, anchor: ".weight_scale",
          parts: [
            ".weight": .init(type: .bf16, shape: [2, 2]),
            ".weight_scale": .init(type: .bf16, shape: [2, 1]),
          ]), "BF16"
      ),
    ] as [(PackedLiteral, String)])
  func whatIsNotReadIsNamed(literal: PackedLiteral, found: String) throws {
    let problem = try #require(literal.problem())
    #expect(problem.kind == .unsupported)
    #expect(problem.found?.contains(found) == true, "\(problem.text)")
  }

  @Test(
    arguments: [
      (Literal.mlx.with(["group_size": 64, "bits": 7]), "cannot be"),
      (.mlx.with(["group_size": "64", "bits": 4]), "cannot be"),
      (.mlx.with(["group_size": 0, "bits": 4]), "cannot be"),
      (.mlx.with(["mode": "nvfp4", "group_size": 32]), "cannot be"),
      (.mlx.with(nil), "nothing says"),
      (.mlx.with(".weight_scale", .bf16, [2, 2]), "two ways"),
      (.mlx.with(".scales", .bf16, [2, 0]), "wrong shape"),
      (.mlx.with(".scales", .u8, [2, 2]), "wrong type"),
      (.integers.with(".weight", .bf16, [3, 64]), "two ways"),
      (
        .integers.with(".weight_shape", .i64, [2], PackedLiteral.words64([3, .max])), "does not fit"
      ),
      (
        .integers.with(".weight_shape", .i64, [2], PackedLiteral.words64([3, -64])), "does not fit"
      ),
      (
        .integers.with(
          ".weight_g_idx", .i32, [64], PackedLiteral.words32(.init(repeating: 2, count: 64))),
        "in no group"
      ),
      (.integers.with(".weight_g_idx", .i32, [64]), "equally large"),
      (
        .integers.with(PackedLiteral.compressed(["num_bits": 4, "group_size": 48])), "do not divide"
      ),
      (.integers.with(PackedLiteral.compressed(["num_bits": 4, "group_size": -7])), "cannot be"),
      (
        .gptq.with(".g_idx", .i32, [64], PackedLiteral.words32(.init(repeating: -1, count: 64))),
        "in no group"
      ),
      (.gptq.with(nil), "nothing says"),
      (.gptq.with(["bits": 4, "group_size": 0]), "cannot be"),
      (.nf4.with(PackedLiteral.nf4State, .u8, [1], [0x7b]), "JSON"),
      (.nf4.with(state(#"{"quant_type": "nf4", "blocksize": 0, "shape": [2, 64]}"#)), "cannot be"),
      (
        .nf4.with(state(#"{"quant_type": "nf4", "blocksize": 64, "shape": [2, -64]}"#)), "cannot be"
      ),
      (
        .nf4.with(
          state(#"{"quant_type": "nf4", "blocksize": 64, "shape": [4611686018427387904, 4]}"#)),
        "cannot be"
      ),
      (
        .nf4.with(
          state(#"{"quant_type": "nf4", "blocksize": 64, "shape": [4611686018427387904]}"#)),
        "do not fill"
      ),
      (.nf4.with(state(#"{"quant_type": "fp4", "blocksize": 64, "shape": [2, 64]}"#)), "cannot be"),
      (
        .nf4.with(
          state(
            #"{"quant_type": "nf4", "blocksize": 64, "shape": [2, 64], "nested_blocksize": 256}"#)),
        "cannot be"
      ),
      (.nf4.with(".weight.quant_state.bitsandbytes__fp4", .u8, [2], [0x7b, 0x7d]), "two ways"),
      (.nf4.without(PackedLiteral.nf4State), "lacks"),
      (.nf4.with(["load_in_4bit": true, "load_in_8bit": true]), "cannot be"),
      (.modelOpt.with(["quantization": ["quant_algo": "NVFP4", "group_size": 0]]), "cannot be"),
    ] as [(PackedLiteral, String)])
  func whatCannotBeIsRefused(literal: PackedLiteral, what: String) throws {
    let problem = try #require(literal.problem())
    #expect(problem.kind == .invalid)
    #expect(problem.what.contains(what), "\(problem.text)")
  }

  @Test func partsOfAnotherMethodAreLeftAlone() throws {
    let gptq = PackedLiteral(
      method: GPTQPacking.self, claim: nil, anchor: ".qweight", parts: Literal.awq.parts)
    let awq = PackedLiteral(
      method: AWQPacking.self, claim: nil, anchor: ".qweight", parts: Literal.gptq.parts)
    let mlx = PackedLiteral(
      method: MLXPacking.self, claim: nil, anchor: ".scales", parts: Literal.awq.parts)
    let compressed = PackedLiteral(
      method: CompressedTensorsPacking.self, claim: nil, anchor: ".weight_scale",
      parts: Literal.modelOpt.parts)
    let modelOpt = PackedLiteral(
      method: ModelOptPacking.self, claim: nil, anchor: ".weight_scale",
      parts: Literal.integers.parts)
    for literal in [gptq, awq, mlx, compressed, modelOpt] { #expect(try literal.open() == nil) }
  }

  @Test func partsAloneTellWhatTheyCan() throws {
    #expect(try Literal.mxfp4.with(nil).open()?.scheme.method == "MLX mxfp4")
    #expect(
      try Literal.integers.with(nil).open()?.scheme.text
        == "compressed-tensors INT, 4 bits in groups of 32")
    #expect(try Literal.awq.with(nil).open()?.shape == [16, 64])
    let symmetric = Literal.gptq.with(
      ".qzeros", .i32, [2, 1], [UInt8](repeating: 0x77, count: 8))
    #expect(try symmetric.with(nil).open()?.scheme.text == "GPTQ, 4 bits in groups of 32")
    #expect(try Literal.nf4.with(nil).open()?.shape == [2, 64])
    #expect(try Literal.modelOpt.with(nil).open()?.shape == [2, 32])
  }

  /// What MLX 0.32.4 makes of the largest exponent, on a CPU.
  @Test func scalesThatAreNotFiniteGiveWhatTheLibraryGives() throws {
    let codes: [UInt8] = [0x70, 0xf8] + [UInt8](repeating: 0, count: 14)
    let literal = Literal.mxfp4.with(".weight", .u32, [1, 4], codes).with(
      ".scales", .u8, [1, 1], [255])
    let values = try #require(try literal.open()).values(0..<4)
    #expect(values[0].isNaN && values[2].isNaN)
    #expect(values[1] == .infinity && values[3] == -.infinity)
  }
}

private let module = PackedLiteral.module

extension PackedLiteral {
  fileprivate func with(_ state: Part) -> PackedLiteral { with(Self.nf4State, state) }
}

private func state(_ text: String) -> PackedLiteral.Part { PackedLiteral.state(text) }
