import GraftTestSupport
import JSON

extension MessageSection {
  private static let tiny = "fixtures/options/gdn-small"
  private static let reference = "fixtures/options/gdn-small/reference.safetensors"

  /// The command line and what it names.
  static let commandLine = MessageSection(
    "The command line",
    [
      .init("a misspelt verb") { try $0.graft("inspekt", tiny) },
      .init("a misspelt option") {
        try $0.graft("convert", tiny, "out", "--max-shards-size", "1GB")
      },
      .init("no directory to write") { try $0.graft("convert", tiny) },
      .init("a value that an option does not take") {
        try $0.graft("convert", tiny, "out", "--container", "pickle")
      },
      .init("too many threads") { try $0.graft("inspect", tiny, "-j", "5000") },
      .init("a layout that is none") { try $0.graft("convert", tiny, "out", "--to", "lmengine") },
      .init("a form that the layout has not") {
        try $0.graft(
          "convert", "fixtures/huggingface/qwen3_5/text-bf16", "out", "--form", "multi-modal")
      },
      .init("a container that the layout is not written in") {
        try $0.graft("convert", tiny, "out", "--container", "gguf")
      },
      .init("a size without meaning") {
        try $0.graft("convert", tiny, "out", "--max-shard-size", "5 apples")
      },
      .init("a dtype for a pattern without a dtype") {
        try $0.graft("convert", tiny, "out", "--dtype-for", "lm_head.weight")
      },
      .init("a pattern that no tensor matches") {
        try $0.graft("convert", tiny, "out", "--dtype-for", "transformer.ln_f.wieght=f32")
      },
      .init("an assumption that is none") { try $0.graft("inspect", tiny, "--assume", "norm=1") },
      .init("a part that cannot be") { try $0.graft("convert", tiny, "out", "--part", "9/8") },
      .init("a gate that is none") {
        try $0.graft("verify", tiny, "--reference", reference, "--gate", "f64")
      },
      .init("nothing to verify against") { try $0.graft("verify", tiny) },
      .init("tokens beside a reference") {
        try $0.graft("verify", tiny, "--reference", reference, "--tokens", "t.json")
      },
      .init("a page where something else is") { shop in
        try shop.file("notes.html", "notes".utf8)
        return try shop.graft("inspect", tiny, "--html", "notes.html")
      },
      .init("hashes without a page") { try $0.graft("inspect", tiny, "--hash") },
      .init("a result that cannot be written") {
        try $0.model("options/gdn-small")
        return try $0.shell("graft inspect model > /dev/full")
      },
    ])

  /// Token files and references.
  static let tokens = MessageSection(
    "Tokens and references",
    [
      .init("a token file of a kind nobody knows") { try $0.score("tokens.csv", "1,2") },
      .init("no token file") { try $0.graft("score", tiny, "--tokens", "nowhere.json") },
      .init("a token file without input_ids") { try $0.score("t.json", #"{"ids": [1]}"#) },
      .init("a token that is no number") { try $0.score("t.json", #"[1, "two"]"#) },
      .init("a word among the ids") { try $0.score("t.txt", "1 2 three") },
      .init("ids nested too deeply") { try $0.score("t.json", "[[1], 2]") },
      .init("something else than a list") { try $0.score("t.json", "17") },
      .init("no prompt") { try $0.score("t.json", "[]") },
      .init("a directory in place of tokens") {
        try $0.shell("mkdir t.json; graft score \(tiny) --tokens t.json")
      },
      .init("a tensor of no prompts") { shop in
        let tensor = PlainCheckpointFile.Tensor("input_ids", [0, 4], ids: [])
        try shop.file("t.safetensors", PlainCheckpointFile([tensor]).bytes)
        return try shop.graft("score", tiny, "--tokens", "t.safetensors")
      },
      .init("an empty prompt") { try $0.score("t.json", "[[1, 2], []]") },
      .init("a token outside the vocabulary") { try $0.score("t.json", "[1, 2, 96]") },
      .init("a label outside the vocabulary") {
        try $0.score("t.json", #"{"input_ids": [1, 2], "labels": [1, 96]}"#)
      },
      .init("no tokens at all") { try $0.score("t.json", #"{"input_ids": []}"#) },
      .init("labels of another length") {
        try $0.score("t.json", #"{"input_ids": [1, 2], "labels": [1]}"#)
      },
      .init("nothing to predict") { try $0.score("t.json", "[1]") },
      .init("ids of another type") { shop in
        let tensor = PlainCheckpointFile.Tensor("input_ids", [2], [1, 2])
        let path = try shop.file("t.safetensors", PlainCheckpointFile([tensor]).bytes)
        return try shop.graft("score", tiny, "--tokens", path.lastComponent?.string ?? "")
      },
      .init("a safetensors file without ids") { shop in
        try shop.file("t.safetensors", PlainCheckpointFile([]).bytes)
        return try shop.graft("score", tiny, "--tokens", "t.safetensors")
      },
      .init("blocks longer than the tokens") { shop in
        try shop.file("t.json", "[1, 2, 3]".utf8)
        return try shop.graft("score", tiny, "--tokens", "t.json", "--block", "10")
      },
      .init("text without a tokenizer") { shop in
        try shop.file("t.txt", "text".utf8)
        return try shop.graft("score", tiny, "--text", "t.txt")
      },
      .init("a tokenizer of another kind") { shop in
        try shop.model("options/gdn-small") {
          try $0.write("tokenizer.json", #"{"model": {"type": "Unigram"}}"#.utf8)
        }
        try shop.file("t.txt", "text".utf8)
        return try shop.graft("score", "model", "--text", "t.txt")
      },
      .init("text that is not UTF-8") { shop in
        try shop.file("t.txt", [0xff])
        return try shop.graft("score", tiny, "--text", "t.txt")
      },
      .init("prompts of several lengths in one reference") { shop in
        try shop.file("t.json", "[[1, 2, 3], [4]]".utf8)
        return try shop.graft("logits", tiny, "--tokens", "t.json", "--output", "l.safetensors")
      },
      .init("more tokens than learned positions") { shop in
        try shop.file("t.json", "[\(Array(repeating: "1", count: 41).joined(separator: ","))]".utf8)
        return try shop.graft("score", "fixtures/options/learned-absolute", "--tokens", "t.json")
      },
      .init("a reference that is none") {
        try $0.graft("verify", tiny, "--reference", tiny + "/model.safetensors")
      },
      .init("logits of another vocabulary") {
        try $0.verify { file in
          file["logits"]?.shape[2] = 48
          let half = (file["logits"]?.bytes.count ?? 0) / 2
          file["logits"]?.bytes.removeLast(half)
        }
      },
      .init("logits of another type") {
        try $0.verify { file in
          file["logits"]?.type = "BF16"
          file["logits"]?.shape[2] *= 2
        }
      },
      .init("hidden states of another width") {
        try $0.verify { file in
          file["hidden.1"]?.shape[2] = 16
          let half = (file["hidden.1"]?.bytes.count ?? 0) / 2
          file["hidden.1"]?.bytes.removeLast(half)
        }
      },
      .init("hidden states of another model") {
        try $0.verify { file in
          file["hidden.3"] = file["hidden.0"].map { .init("hidden.3", $0.type, $0.shape, $0.bytes) }
        }
      },
      .init("models with other vocabularies") {
        try $0.graft("verify", tiny, "fixtures/lm-engine/gdn-hybrid")
      },
    ])

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
      .init("a key that is not a word") { try $0.recipe("r.yaml", "? [1]\n: 2") },
    ])
}

extension Workshop {
  fileprivate func score(_ name: String, _ text: String) throws -> Message {
    try file(name, text.utf8)
    return try graft("score", "fixtures/options/gdn-small", "--tokens", name)
  }

  fileprivate func verify(_ change: (inout PlainCheckpointFile) throws -> Void) throws -> Message {
    try model("options/gdn-small") { try $0.editWeights("reference.safetensors", change) }
    return try graft("verify", "model", "--reference", "model/reference.safetensors")
  }

  fileprivate func splice(_ options: String...) throws -> Message {
    try run(["splice", "fixtures/options/gdn-small", "out"] + options)
  }

  fileprivate func recipe(_ name: String, _ text: String) throws -> Message {
    try file(name, text.utf8)
    return try graft("splice", "fixtures/options/gdn-small", "out", "--recipe", name)
  }
}
