import Foundation
import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// Files beside the weights that are no part of the model: they stay behind and are named.
@Suite struct SidecarTests {
  private let checkpoint: EditableCheckpoint
  private var out: FilePath { checkpoint.beside("out") }

  init() throws { checkpoint = try EditableCheckpoint("huggingface/qwen3_5/text-bf16") }

  private static let zip: [UInt8] = [0x50, 0x4b, 3, 4, 0, 0]
  private static let pickle: [UInt8] = [0x80, 2, 0x7d]
  private static let tensors = PlainCheckpointFile([.init("embed.weight", [2], [1, 2])]).bytes

  /// Names and bytes that say what a file is; where the name says nothing, the bytes do.
  private static let strangers: [(name: String, bytes: [UInt8], kind: String)] = [
    ("consolidated.safetensors", tensors, "weights"), ("Consolidated.00.PTH", zip, "weights"),
    ("blob", tensors, "weights"), ("another", Array("GGUF".utf8) + [3, 0], "weights"),
    ("data", zip, "weights"), ("object", pickle, "weights"), ("a.txt", tensors, "weights"),
    ("array", [0x93] + Array("NUMPY".utf8), "weights"), ("flax_model.msgpack", [1], "weights"),
    ("pytorch_model.bin", pickle, "weights"), ("__0_0.distcp", zip, "weights"),
    ("old.safetensors", Array("version https://git-lfs.github.com/spec/v1\n".utf8), "weights"),
    ("consolidated.safetensors.index.json", Array("{}".utf8), "weights"),
    ("shards.json", Array(#"{"weight_map": {}}"#.utf8), "weights"),
    ("optimizer.pt", zip, "training"), ("Scheduler.pt", zip, "training"),
    ("rng_state_0.pth", zip, "training"), ("training_args.bin", zip, "training"),
    ("zero_pp_rank_0_mp_rank_00_optim_states.pt", zip, "training"),
    ("random_states_0.pkl", pickle, "training"),
    ("trainer_state.json", Array("{}".utf8), "training"),
    ("state.json", Array(#"{"global_step": 1, "log_history": []}"#.utf8), "training"),
    ("events.out.tfevents.1", [0, 0], "training"),
    ("adapter_model.bin", zip, "adapter"), ("adapter_config.json", Array("{}".utf8), "adapter"),
    ("peft.json", Array(#"{"peft_type": "LORA"}"#.utf8), "adapter"),
    (
      "extra.safetensors",
      PlainCheckpointFile([.init("x.lora_A.weight", [1], [1])]).bytes, "adapter"
    ),
    ("picture.png", [0x89, 0x50, 0x4e, 0x47, 0, 0], "unknown"),
    ("latin.txt", [0x61, 0xe9], "unknown"),
    ("late.txt", Array(repeating: 0x61, count: 8192) + [0], "unknown"),
    ("vocab.json", [0x7b, 0, 0x7d], "unknown"),
  ]

  private static let travellers: [(name: String, bytes: [UInt8])] = [
    ("notes.txt", Array("caf\u{e9}".utf8)), ("tokenizer.model", [0x0a, 0x0e, 0]),
    ("scheduler_config.json", Array(#"{"a": 1}"#.utf8)), ("recipe.yaml", Array("a: 1".utf8)),
    ("exploration.md", Array("x".utf8)), ("merges.txt", Array("a b".utf8)),
  ]

  private func fill() throws {
    for (name, bytes, _) in Self.strangers { try checkpoint.write(name, bytes) }
    for (name, bytes) in Self.travellers { try checkpoint.write(name, bytes) }
    try FileManager.default.createDirectory(
      atPath: checkpoint.path.appending("global_step10").string, withIntermediateDirectories: false)
  }

  @Test(arguments: [
    ["convert"], ["convert", "--to", "mlx-qwen3_5"], ["splice", "--layer", "0"],
  ])
  func strangersStayBehind(arguments: [String]) throws {
    try fill()
    let paths = [checkpoint.path.string, out.string]
    let result = try GraftCommand.run([arguments[0]] + paths + arguments.dropFirst())
    expectSuccess(result)
    let names = EditableCheckpoint.names(in: out)
    for (name, _, _) in Self.strangers + [("global_step10", [], "")] {
      #expect(!names.contains(name) && result.output.contains(name), "\(name)")
    }
    for (name, bytes) in Self.travellers {
      #expect(try Fixtures.contents(out.appending(name)) == bytes, "\(name)")
    }
    #expect(names.contains("reference.safetensors") == (arguments[0] == "convert"))
    let plan = try GraftCommand.run(
      [arguments[0], paths[0], checkpoint.beside("planned").string] + arguments.dropFirst()
        + ["--dry-run", "--json"]
    ).json()
    let dropped = (plan["dropped"]?.array ?? []).compactMap { $0["name"]?.string }
    #expect(Set(Self.strangers.map(\.name)).isSubset(of: dropped))
  }

  @Test func inspectSaysWhatEachIs() throws {
    try fill()
    let document = try checkpoint.graft("inspect", "--json").json()
    let kinds = Dictionary(
      (document["beside"]?.array ?? []).map {
        ($0["name"]?.string ?? "", $0["kind"]?.string ?? "")
      }, uniquingKeysWith: { first, _ in first })
    for (name, _, kind) in Self.strangers { #expect(kinds[name] == kind, "\(name)") }
    for (name, _) in Self.travellers { #expect(kinds[name] == "text", "\(name)") }
    #expect(kinds["reference.safetensors"] == "recording")
    let text = try checkpoint.graft("inspect").output
    #expect(text.contains("an adapter (LoRA or alike), which is not merged"))
    for name in ["consolidated.safetensors", "adapter_model.bin", "optimizer.pt"] {
      #expect(text.contains(name), "\(name)")
    }
  }

  /// Names of other bytes than UTF-8 are left alone and spelled out.
  @Test func namesThatAreNotUTF8() throws {
    let shell = Process()
    shell.executableURL = URL(fileURLWithPath: "/bin/sh")
    shell.arguments = ["-c", #"cd "$0"; : > "$(printf 'x\377.txt')"; mkdir "$(printf 'd\376')""#]
    shell.arguments?.append(checkpoint.path.string)
    try shell.run()
    shell.waitUntilExit()
    #expect(
      try checkpoint.graft("inspect").output.contains(
        #"names that are not UTF-8: d\xFE, x\xFF.txt"#))
    let result = try checkpoint.graft("convert", out.string)
    expectSuccess(result)
    #expect(result.output.contains(#"dropped (name that is not UTF-8): d\xFE, x\xFF.txt"#))
  }

  /// What a terminal would obey is spelled out; documents hold the very names.
  @Test func namesThatSteerTerminals() throws {
    let name = "x\u{1b}[31m\u{7}\u{9b}\u{202e}.txt"
    try checkpoint.write(name, "x".utf8)
    try checkpoint.write("y\u{1b}.bin", Self.zip)
    try FileManager.default.createDirectory(
      atPath: checkpoint.path.appending("d\u{1b}").string, withIntermediateDirectories: false)
    let page = checkpoint.beside("page.html").string
    let bare = checkpoint.beside("bare")
    try FileManager.default.copyItem(
      atPath: Fixtures.path("huggingface/qwen3_5/text-bf16").string, toPath: bare.string)
    let runs = [
      try checkpoint.graft("convert", out.string), try checkpoint.graft("inspect", "--html", page),
      try checkpoint.graft("diff", bare.string), try checkpoint.graft("inspect", "\u{1b}[2J"),
      try checkpoint.graft("convert", checkpoint.beside("again").string, "--json"),
    ]
    let texts =
      runs.flatMap { [$0.output, $0.errors] }
      + [String(decoding: try Fixtures.contents(FilePath(page)), as: UTF8.self)]
    for text in texts {
      for scalar in "\u{1b}\u{7}\u{9b}\u{202e}".unicodeScalars {
        #expect(!text.unicodeScalars.contains(scalar), "\(text)")
      }
    }
    #expect(runs[0].output.contains(#"x\u{1B}[31m\u{07}\u{009B}\u{202E}.txt"#))
    let listed = try runs[4].json()["sidecars"]?.array?.compactMap(\.string) ?? []
    #expect(listed.contains(name))
  }
}
