import Foundation
import GraftTestSupport

extension MessageSection {
  /// Directories of Megatron-Core.
  static let megatron = MessageSection(
    "Megatron",
    [
      .init("an iteration that is not there") { try $0.megatron("--iteration", "30") },
      .init("an iteration of something that has none") {
        try $0.graft("inspect", "fixtures/options/rope", "--iteration", "1")
      },
      .init("a tracker that points nowhere") {
        try $0.megatron { try $0.write(tracker, "40".utf8) }
      },
      .init("a tracker that says nothing") {
        try $0.megatron { try $0.write(tracker, "soon".utf8) }
      },
      .init("two trackers that differ") {
        try $0.megatron {
          try $0.write(state, TorchLiteral.file(.named(["step": step]), storage: [20, 0, 0, 0]))
        }
      },
      .init("a run without iterations") {
        try $0.megatron {
          for name in [tracker, "iter_0000010"] { try $0.remove(name) }
          try $0.write(state, TorchLiteral.file(.named([:])))
        }
      },
      .init("an iteration without its metadata") {
        try $0.megatron {
          for name in [".metadata", "metadata.json"] { try $0.remove(place + name) }
        }
      },
      .init("an iteration that was not finished") {
        try $0.megatron { try $0.remove(place + ".metadata") }
      },
      .init("an iteration of the older format") {
        try $0.megatron { copy in
          try copy.remove(place + "metadata.json")
          try FileManager.default.createDirectory(
            atPath: copy.path.appending(place + "mp_rank_00").string,
            withIntermediateDirectories: true)
        }
      },
      .init("another backend") {
        try $0.megatron {
          try $0.write(place + "metadata.json", #"{"sharded_backend": "zarr"}"#.utf8)
        }
      },
      .init("names of Megatron without metadata.json") {
        try $0.megatron { try $0.remove(place + "metadata.json") }
      },
      .init("names of Megatron, and a metadata.json of something else") {
        try $0.megatron { try $0.write(place + "metadata.json", "{}".utf8) }
      },
      .init("options that Bridge dumped and that describe no model") {
        try $0.megatron { try $0.write(place + "run_config.yaml", "train: null\n".utf8) }
      },
      .init("parameters as one rank holds them") { shop in
        let names = [
          "embedding.word_embeddings.weight", "decoder.layers.0.mlp.linear_fc1.weight_w",
        ]
        var directory = TorchDistLiteral(
          names.map { .init(.init($0, "F32", [2], [UInt8](repeating: 0, count: 8))) })
        directory.backend = nil
        try directory.write(to: shop.folder.path.appending("model"))
        return try shop.graft("inspect", "model")
      },
      .init("files of ranks that are missing") {
        try $0.megatron { for number in 0..<2 { try $0.remove(place + "__0_\(number).distcp") } }
      },
      .init("the file of a rank cut short") {
        try $0.megatron {
          try $0.write(place + "__0_1.distcp", $0.bytes(place + "__0_1.distcp").dropLast(2000))
        }
      },
      .init("a file of another save") {
        try $0.megatron {
          let bytes = try $0.bytes(place + "__0_1.distcp")
          try $0.write(place + "__0_1.distcp", Array(bytes[50...] + bytes[..<50]))
        }
      },
      .init("what ranks share in another form") {
        try $0.megatron { try $0.write(place + "common.pt", TorchLiteral.file(.list([]))) }
      },
      .init("options that nest without end") {
        let deep = (0..<20).reduce(PickleLiteral.none) { inner, _ in .list([inner]) }
        return try $0.megatron {
          try $0.write(place + "common.pt", TorchLiteral.file(TorchDistLiteral.common(["x": deep])))
        }
      },
      .init("no options and no config") { try $0.megatron { try $0.remove(place + "common.pt") } },
      .init("a config that contradicts the options") {
        try $0.megatron {
          let text = try Fixtures.bytes("megatron/tiny.expected/config.json")
          let other = String(decoding: text, as: UTF8.self).replacing("10000.0", with: "500.0")
          try $0.write(place + "config.json", other.utf8)
        }
      },
      .init("halves of which nobody says which is the first") { shop in
        let copy = try EditableCheckpoint.predicting("huggingface/qwen3_next/bf16")
        try MegatronLiteral.directory(of: copy.path, .init(.slime))
          .write(to: shop.folder.path.appending("model"))
        return try shop.graft("convert", "model", "out", "--to", "qwen3_next")
      },
      .init("letters that make no whole layers") {
        try $0.hybrid("GEGE*EGEGE", "GEGE*EGEG")
      },
      .init("half a layer") { try $0.hybrid("\"num_layers\": 10", "\"num_layers\": 9") },
    ])

  private static let place = "iter_0000010/"
  private static let tracker = "latest_checkpointed_iteration.txt"
  private static let state = "latest_train_state.pt"
  private static var step: PickleLiteral {
    .call(
      "torch._utils", "_rebuild_tensor_v2",
      [
        .persistent([
          .text("storage"), .global("torch", "IntStorage"), .text("0"), .text("cpu"), .int(1),
        ]), .int(0), .numbers([]), .numbers([]), .bool(false),
        .call("collections", "OrderedDict", []),
      ])
  }
}

extension Workshop {
  /// Inspects a run in which something was changed.
  fileprivate func megatron(
    _ options: String..., change: (EditableCheckpoint) throws -> Void = { _ in }
  ) throws -> Message {
    try model("megatron/tiny", change)
    return try run(["inspect", "model"] + options)
  }

  /// Inspects a HybridModel with another text in its options.
  fileprivate func hybrid(_ old: String, _ new: String) throws -> Message {
    let source = Fixtures.path("huggingface/qwen3_next/bf16").string
    let target = folder.path.appending("model")
    _ = try GraftCommand.run([
      "convert", source, target.string, "--to", "mcore-hybrid", "--container", "safetensors",
    ])
    let config = target.appending("config.json")
    let text = String(decoding: try Fixtures.contents(config), as: UTF8.self)
    try Data(text.replacing(old, with: new).utf8).write(to: URL(fileURLWithPath: config.string))
    return try graft("inspect", "model")
  }
}
