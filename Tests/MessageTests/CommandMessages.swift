import GraftTestSupport

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
      .init("a misspelt option that is needed") {
        try $0.graft("splice", tiny, "out", "--layers", "0")
      },
      .init("the beginning of an option") { try $0.graft("verify", tiny, "--ref", reference) },
      .init("no directory to write") { try $0.graft("convert", tiny) },
      .init("a value that an option does not take") {
        try $0.graft("convert", tiny, "out", "--container", "pickle")
      },
      .init("too many threads") { try $0.graft("inspect", tiny, "-j", "5000") },
      .init("a library without a layout for the model") {
        try $0.graft("convert", "fixtures/fla/gdn-hybrid", "out", "--to", "gguf")
      },
      .init("a library with several layouts for the model") {
        try $0.graft("convert", "fixtures/huggingface/qwen3_5/text-bf16", "out", "--to", "mcore")
      },
      .init("a layout that is none") { try $0.graft("convert", tiny, "out", "--to", "lmengine") },
      .init("a form that the layout has not") {
        try $0.graft(
          "convert", "fixtures/huggingface/qwen3_5/text-bf16", "out", "--form", "multi-modal")
      },
      .init("a container that the layout is not written in") {
        try $0.graft("convert", tiny, "out", "--container", "gguf")
      },
      .init("keys that are none") {
        try $0.graft("convert", tiny, "out", "--container", "dcp", "--key-prefix", "/model")
      },
      .init("keys for a container that has none") {
        try $0.graft("convert", tiny, "out", "--key-prefix", "state/model.")
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
      .init("a gate of quantised weights for plain ones") {
        try $0.graft("verify", tiny, "--reference", reference, "--gate", "quantised")
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
}
