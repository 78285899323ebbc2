import GraftTestSupport
import JSON
import Tensors

extension MessageSection {
  /// Weights that libraries packed, whose parts or claims are wrong.
  static let packed = MessageSection(
    "Packed weights",
    [
      .init("scales of which the zero points are missing", .mlx.without(".biases")),
      .init("scales of another type", .mlx.with(".scales", .u8, [2, 2])),
      .init("scales of another shape", .awq.with(".scales", .f16, [2, 17])),
      .init("bits that parts deny", .mlx.with(["group_size": 64, "bits": 8])),
      .init("parts of two ways of packing", .mlx.with(".weight_scale", .bf16, [2, 2])),
      .init("no word of bits and groups", .mlx.with(nil)),
      .init("a mode that nobody has", .mlx.with(["mode": "mxfp3"])),
      .init("a number that is none", .mlx.with(["group_size": "64", "bits": 4])),
      .init(
        "groups that do not divide rows",
        .integers.with(PackedLiteral.compressed(["num_bits": 4, "group_size": 48]))),
      .init(
        "a shape that codes cannot have",
        .integers.with(".weight_shape", .i64, [2], PackedLiteral.words64([3, 1 << 40]))),
      .init("groups of any size", .integers.with(".weight_g_idx", .i32, [64])),
      .init(
        "a weight that was saved before it was packed",
        .integers.with(".weight", .bf16, [3, 64]).without(".weight_packed").anchored(
          ".weight_scale")),
      .init(
        "a column of no group",
        .gptq.with(".g_idx", .i32, [64], PackedLiteral.words32(.init(repeating: 2, count: 64)))),
      .init("no word of the version", .gptq.with(nil)),
      .init(
        "a state that cannot be",
        .nf4.with(
          PackedLiteral.nf4State,
          PackedLiteral.state(#"{"quant_type": "nf4", "blocksize": 0, "shape": [2, 64]}"#))),
      .init(
        "codes that do not fill a shape",
        .nf4.with(
          PackedLiteral.nf4State,
          PackedLiteral.state(#"{"quant_type": "nf4", "blocksize": 64, "shape": [2, 66]}"#))),
    ])
}

extension MessageCase {
  fileprivate init(_ when: String, _ literal: PackedLiteral) {
    self.init(when) { shop in try shop.thrown { try literal.open() as Any } }
  }
}
