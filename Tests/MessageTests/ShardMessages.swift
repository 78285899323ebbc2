import GraftTestSupport

extension MessageSection {
  /// Indices and the files they name.
  static let shards = MessageSection(
    "Shards and their index",
    [
      .init("a shard that is not there") {
        try $0.sharded { try $0.remove("model-00002-of-00005.safetensors") }
      },
      .init("a file that the index does not name") {
        try $0.sharded { copy in
          let bytes = try copy.bytes("model-00001-of-00005.safetensors")
          try copy.write("model-00006-of-00006.safetensors", bytes)
        }
      },
      .init("a tensor that is in no file") {
        try $0.sharded {
          try $0.replace("lm_head.weight", "lm_head.wait", in: "model.safetensors.index.json")
        }
      },
      .init("a tensor that is not in the index") {
        try $0.sharded {
          let name = "model-00002-of-00005.safetensors"
          try $0.editWeights(name) { $0.tensors.append(.init("extra", [1], [1])) }
        }
      },
      .init("a tensor in another file than the index says") {
        try $0.sharded { copy in
          try copy.replace(
            "\"transformer.wte.weight\": \"model-00001",
            "\"transformer.wte.weight\": \"model-00002",
            in: "model.safetensors.index.json")
        }
      },
      .init("another total size") {
        try $0.sharded {
          try $0.replace(
            "\"total_size\": ", "\"total_size\": 1", in: "model.safetensors.index.json")
        }
      },
      .init("an index without weight_map") {
        try $0.sharded { try $0.write("model.safetensors.index.json", "{}".utf8) }
      },
      .init("an index of absurd size") { shop in
        try shop.model("options/f32-sharded")
        return try shop.shell(
          "truncate -s 300M model/model.safetensors.index.json; graft inspect model")
      },
      .init("metadata that is no number") {
        try $0.sharded {
          try $0.replace(
            "\"total_size\": ", "\"total_size\": \"x\", \"y\": ", in: "model.safetensors.index.json"
          )
        }
      },
      .init("a shard outside the directory") {
        try $0.sharded {
          try $0.replace(
            "\"model-00001-of-00005.safetensors\"", "\"../model-00001-of-00005.safetensors\"",
            in: "model.safetensors.index.json")
        }
      },
    ])
}

extension Workshop {
  fileprivate func sharded(_ change: (EditableCheckpoint) throws -> Void) throws -> Message {
    try opened("options/f32-sharded", change)
  }
}
