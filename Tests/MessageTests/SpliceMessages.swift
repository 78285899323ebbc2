import GraftTestSupport

extension MessageSection {
  private static let tiny = "fixtures/options/gdn-small"

  /// Replacing layers.
  static let splices = MessageSection(
    "Replacing layers",
    [
      .init("neither layers nor a recipe") { try $0.graft("splice", tiny, "out") },
      .init("layers that are no numbers") { try $0.splice("--layer", "one") },
      .init("a layer that is not there") { try $0.splice("--layer", "9") },
      .init("a layer twice") { try $0.splice("--layer", "0,0") },
      .init("a layer of another kind") {
        try $0.graft("splice", "fixtures/lm-engine/gdn-hybrid", "out", "--layer", "2")
      },
      .init("all layers of a model that has none to replace") { shop in
        try shop.run("splice", tiny, "made", "--layer", "all")
        return try shop.graft("splice", "made", "out", "--layer", "all")
      },
      .init("a layout without such layers") { shop in
        try shop.run(
          "convert", "fixtures/huggingface/qwen3_5/text-bf16", "made", "--to", "gguf-qwen35")
        return try shop.graft("splice", "made", "out", "--layer", "0")
      },
      .init("sizes out of range") { try $0.splice("--layer", "0", "--heads", "0") },
      .init("a layer of absurd size") {
        try $0.splice(
          "--layer", "0", "--heads", "65536", "--k-head-dim", "4096", "--v-head-dim", "4096")
      },
      .init("auto without tokens") { try $0.splice("--layer", "auto") },
      .init("more layers than there are") { shop in
        try shop.file("t.json", "[1, 2, 3]".utf8)
        return try shop.splice("--layer", "auto", "--top", "9", "--tokens", "t.json")
      },
      .init("calibrate without tokens") { try $0.splice("--layer", "0", "--init", "calibrate") },
      .init("calibrate with few tokens") { shop in
        try shop.file("t.json", "[1, 2, 3]".utf8)
        return try shop.splice("--layer", "0", "--init", "calibrate", "--tokens", "t.json")
      },
      .init("transfer with few tokens") { shop in
        try shop.file("t.json", "[1, 2, 3]".utf8)
        return try shop.splice("--layer", "0", "--init", "transfer", "--tokens", "t.json")
      },
      .init("auto with few tokens") { shop in
        try shop.file("t.json", "[1, 2, 3]".utf8)
        return try shop.splice(
          "--layer", "auto", "--init", "transfer", "--tokens", "t.json")
      },
      .init("no donor") { try $0.splice("--layer", "0", "--init", "donor") },
      .init("a donor without such a layer") {
        try $0.splice("--layer", "0", "--init", "donor", "--donor", tiny)
      },
      .init("a donor of another size") {
        try $0.splice(
          "--layer", "0", "--init", "donor", "--donor", "fixtures/lm-engine/m2rnn-1l")
      },
      .init("a recipe of a kind nobody knows") { try $0.recipe("r.txt", "splice: []") },
      .init("a recipe without splice") { try $0.recipe("r.yaml", "layers: [0]") },
      .init("a recipe without a list") { try $0.recipe("r.json", #"{"splice": 1}"#) },
      .init("a group that is none") { try $0.recipe("r.json", #"{"splice": [1]}"#) },
      .init("a key nobody knows") {
        try $0.recipe("r.json", #"{"splice": [{"layers": [0], "head": 2}]}"#)
      },
      .init("a group without layers") {
        try $0.recipe("r.json", #"{"splice": [{"init": "zero"}]}"#)
      },
      .init("a strategy nobody knows") {
        try $0.recipe("r.json", #"{"splice": [{"layers": [0], "init": "best"}]}"#)
      },
      .init("a value out of range") {
        try $0.recipe("r.json", #"{"splice": [{"layers": [0], "k_head_dim": 0}]}"#)
      },
      .init("an empty recipe") { try $0.recipe("r.yaml", "") },
      .init("a recipe that is not YAML") { try $0.recipe("r.yaml", "splice: [") },
      .init("a recipe nested too deeply") {
        try $0.recipe("r.yaml", String(repeating: "- ", count: 16_000) + "x")
      },
      .init("a list in a list of a recipe") { try $0.recipe("r.yaml", "splice: [[0]]") },
      .init("a key that is not a word") { try $0.recipe("r.yaml", "? [1]\n: 2") },
      .init("calibrate on values that are not finite") {
        try $0.calibrated { $0.floats = .init(repeating: .nan, count: $0.floats.count) }
      },
      .init("calibrate on a layer that writes nothing") {
        try $0.calibrated { $0.floats = .init(repeating: 0, count: $0.floats.count) }
      },
    ])
}

extension Workshop {
  fileprivate func splice(_ options: String...) throws -> Message {
    try run(["splice", "fixtures/options/gdn-small", "out"] + options)
  }

  fileprivate func recipe(_ name: String, _ text: String) throws -> Message {
    try file(name, text.utf8)
    return try graft("splice", "fixtures/options/gdn-small", "out", "--recipe", name)
  }

  /// Fits a layer to one with another output projection.
  fileprivate func calibrated(_ change: (inout PlainCheckpointFile.Tensor) -> Void) throws
    -> Message
  {
    let name = "transformer.h.0.sequence_mixer.o_proj.weight"
    try model("options/gdn-small") { copy in
      try copy.editWeights { file in
        guard var tensor = file[name] else { return }
        change(&tensor)
        file[name] = tensor
      }
    }
    let tokens = (0..<1100).map { String($0 * 7 % 96) }
    try file("t.txt", tokens.joined(separator: " ").utf8)
    return try graft(
      "splice", "model", "out", "--layer", "0", "--init", "calibrate", "--tokens", "t.txt")
  }
}
