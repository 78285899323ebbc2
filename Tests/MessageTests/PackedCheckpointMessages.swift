import GraftTestSupport
import JSON

extension MessageSection {
  private static let dense = "huggingface/qwen3_5/text-bf16"
  private static let gate = "model.layers.0.mlp.gate_proj"

  /// Weights that are packed and do not fit, or cannot go where they should.
  static let packedCheckpoints = MessageSection(
    "Packed checkpoints",
    [
      .init("packed weights for another layout") { shop in
        try shop.pack()
        return try shop.graft("convert", "model", "out", "--to", "qwen3_next")
      },
      .init("a weight that is packed and plain") { shop in
        try shop.pack { file in
          guard let codes = file["\(gate).weight"] else { return }
          file["\(gate).weight_packed"] = .init(
            "\(gate).weight_packed", "I32", [96, 16], codes.bytes)
          file["\(gate).weight"] = .init(
            "\(gate).weight", [96, 64], .init(repeating: 1, count: 96 * 64))
        }
        return try shop.graft("inspect", "model")
      },
      .init("codes without scales beside others that have some") { shop in
        try shop.pack { $0["\(gate).weight_scale"] = nil }
        return try shop.graft("inspect", "model")
      },
      .init("a part that belongs to no packed weight") { shop in
        try shop.pack { $0["\(gate).absmax"] = .init("\(gate).absmax", [1], [1]) }
        return try shop.graft("inspect", "model")
      },
      .init("packed weights whose names begin with that of a wrapper") { shop in
        try shop.pack { file in
          for index in file.tensors.indices {
            file.tensors[index].name = "module." + file.tensors[index].name
          }
        }
        return try shop.graft("splice", "model", "out", "--layer", "0")
      },
      .init("scales of activations whose weights get other names") { shop in
        try shop.model("huggingface/qwen3_5/fp8-short-blocks") { checkpoint in
          try checkpoint.replace("\"dynamic\"", "\"static\"")
          try checkpoint.editWeights { file in
            let end = ".weight_scale_inv"
            file.tensors += file.tensors.filter { $0.name.hasSuffix(end) }
              .map { .init($0.name.dropLast(end.count) + ".input_scale", [], [0.5]) }
          }
        }
        return try shop.graft("convert", "model", "out", "--form", "multimodal")
      },
      .init("a config that names another packing") { shop in
        try shop.pack(claiming: ["quant_method": "gptq", "bits": 4])
        return try shop.graft("inspect", "model")
      },
    ])
}

extension Workshop {
  /// Packs the matrices of a model as compressed-tensors does, and changes the file.
  fileprivate func pack(
    claiming claim: JSONValue? = nil,
    _ change: (inout PlainCheckpointFile) throws -> Void = { _ in }
  ) throws {
    let twin = try PackedTwin(
      Fixtures.path("huggingface/qwen3_5/text-bf16"), as: .compressedTensors)
    try twin.packed.editWeights { try change(&$0) }
    if let claim { try twin.packed.claim("quantization_config", claim) }
    _ = try EditableCheckpoint(copying: twin.packed.path, into: folder)
  }
}
