import Foundation
import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// The program files that go along with M²RNN layers.
@Suite struct ProgramFileTests {
  private static let classes = "modeling_graft_m2rnn.py"
  private static let names = [classes, "graft_m2rnn_kernels.py"]
  private static let mlx = "graft_m2rnn_mlx.py"
  private static let fla = "modeling_graft_m2rnn_fla.py"

  private static func source(_ name: String) -> FilePath {
    Fixtures.directory.removingLastComponent().appending("formats/code").appending(name)
  }

  private func graft(_ arguments: String...) throws {
    expectSuccess(try GraftCommand.run(arguments))
  }

  private func config(_ path: FilePath) throws -> JSONValue {
    try JSONValue(parsing: Fixtures.contents(path.appending("config.json")))
  }

  /// Exactly these of Graft's files.
  private func expectFiles(_ names: [String] = Self.names, in path: FilePath) throws {
    let own = Set(Self.names + [Self.mlx, Self.fla])
    #expect(own.intersection(EditableCheckpoint.names(in: path)) == Set(names))
    for name in names {
      #expect(try Fixtures.contents(path.appending(name)) == Fixtures.contents(Self.source(name)))
    }
  }

  private func expectNoFiles(in path: FilePath) throws { try expectFiles([], in: path) }

  @Test(arguments: [
    ("huggingface/qwen3_next/bf16", "M2RNNQwen3NextForCausalLM"),
    ("huggingface/qwen3_5/text-bf16", "M2RNNQwen3_5ForCausalLM"),
    ("huggingface/qwen3_5_moe/text-f32", "M2RNNQwen3_5MoeForCausalLM"),
    ("huggingface/olmo_hybrid/bf16", "M2RNNOlmoHybridForCausalLM"),
    ("huggingface/qwen3_5/multimodal-mixed", "M2RNNQwen3_5ForConditionalGeneration"),
  ])
  func aSplicedModelBringsItsClasses(fixture: String, name: String) throws {
    let folder = try TemporaryDirectory()
    let out = folder.path.appending("out")
    try graft("splice", Fixtures.path(fixture).string, out.string, "--layer", "1")
    try expectFiles(in: out)
    let entry = try config(out)["auto_map"]?["AutoModelForCausalLM"]?.string
    #expect(entry == "modeling_graft_m2rnn.\(name)")
    let text = String(decoding: try Fixtures.contents(Self.source(Self.classes)), as: UTF8.self)
    #expect(text.contains("class \(name)(WithM2RNN, ") || text.contains("class \(name)(TextOf"))
  }

  /// What of each file `inspect` says.
  private func states(_ path: FilePath) throws -> [String?] {
    let programs = try GraftCommand.run(["inspect", path.string, "--json"]).json()["programs"]
    return (programs?.array ?? []).map { $0["state"]?.string }
  }

  /// A file that is missing, or another of its name, is told of; a conversion writes it anew.
  @Test func inspectTellsOfFilesThatAreNotThere() throws {
    let folder = try TemporaryDirectory()
    let (out, mended) = (folder.path.appending("out"), folder.path.appending("mended"))
    let source = Fixtures.path("huggingface/qwen3_next/bf16")
    #expect(try states(source) == [])
    try graft("splice", source.string, out.string, "--layer", "1")
    #expect(try states(out) == ["present", "present"])
    let files = FileManager.default
    try files.removeItem(atPath: out.appending(Self.classes).string)
    #expect(
      files.createFile(atPath: out.appending(Self.names[1]).string, contents: Data("pass".utf8)))
    #expect(try states(out) == ["missing", "other"])
    try graft("convert", out.string, mended.string)
    #expect(try states(mended) == ["present", "present"])
  }

  /// Each layout has its own files and keys that name them; those of the layout before stay behind.
  @Test func theFilesFollowTheLayout() throws {
    let folder = try TemporaryDirectory()
    let (spliced, mlx) = (folder.path.appending("spliced"), folder.path.appending("mlx"))
    let (back, multimodal) = (folder.path.appending("back"), folder.path.appending("multimodal"))
    let again = folder.path.appending("again")
    try graft(
      "splice", Fixtures.path("huggingface/qwen3_5/text-bf16").string, spliced.string, "--layer",
      "1")
    try graft("convert", spliced.string, mlx.string, "--to", "mlx-qwen3_5")
    try expectFiles([Self.mlx], in: mlx)
    #expect(try config(mlx)["auto_map"] == nil && config(mlx)["text_config"]?["auto_map"] == nil)
    #expect(try config(mlx)["model_file"] == .string(Self.mlx))
    #expect(try config(mlx)["text_config"]?["model_file"] == nil)
    try graft("splice", mlx.string, again.string, "--layer", "0")
    try expectFiles([Self.mlx], in: again)
    #expect(try config(again)["model_file"] == .string(Self.mlx))
    try graft("convert", mlx.string, back.string, "--to", "qwen3_5")
    try expectFiles(in: back)
    #expect(try config(back)["auto_map"] == config(spliced)["auto_map"])
    #expect(try config(back)["model_file"] == nil)
    try graft("convert", spliced.string, multimodal.string, "--form", "multimodal")
    #expect(
      try config(multimodal)["auto_map"]?["AutoModelForImageTextToText"]
        == "modeling_graft_m2rnn.M2RNNQwen3_5ForConditionalGeneration")
    #expect(try config(multimodal)["text_config"]?["auto_map"] == nil)
  }

  /// Layouts of mlx-lm name the file with the model.
  @Test(arguments: [
    ("qwen3_next/bf16", "mlx-qwen3_next"), ("qwen3_5/text-bf16", "mlx-qwen3_5"),
    ("qwen3_5_moe/text-f32", "mlx-qwen3_5_moe"), ("olmo_hybrid/rope-noneg-f32", "mlx-olmo_hybrid"),
  ])
  func mlxLoadsItsFileAlone(fixture: String, layout: String) throws {
    let folder = try TemporaryDirectory()
    let (plain, out) = (folder.path.appending("plain"), folder.path.appending("out"))
    let source = Fixtures.path("huggingface/\(fixture)").string
    try graft("convert", source, plain.string, "--to", layout, "--mtp", "drop")
    try expectNoFiles(in: plain)
    #expect(try config(plain)["model_file"] == nil)
    try graft("splice", plain.string, out.string, "--layer", "0")
    try expectFiles([Self.mlx], in: out)
    #expect(try config(out)["model_file"] == .string(Self.mlx))
    #expect(try config(out)["auto_map"] == nil)
  }

  /// fla's classes come with those they use, and go with the layout.
  @Test func flaGetsItsClasses() throws {
    let folder = try TemporaryDirectory()
    let (out, engine) = (folder.path.appending("out"), folder.path.appending("engine"))
    try graft("convert", Fixtures.path("options/m2rnn-bias").string, out.string, "--to", "fla")
    try expectFiles(Self.names + [Self.fla], in: out)
    #expect(
      try config(out)["auto_map"] == [
        "AutoConfig": "modeling_graft_m2rnn_fla.M2RNNGatedDeltaNetConfig",
        "AutoModelForCausalLM": "modeling_graft_m2rnn_fla.M2RNNGatedDeltaNetForCausalLM",
      ])
    try graft("convert", out.string, engine.string, "--to", "lm-engine")
    try expectNoFiles(in: engine)
    #expect(try config(engine)["auto_map"] == nil)
  }

  /// A checkpoint of somebody who has classes of his own, one of them under the name of Graft's.
  private func withPrograms() throws -> EditableCheckpoint {
    let checkpoint = try EditableCheckpoint("huggingface/qwen3_5/text-bf16")
    for name in Self.names { try checkpoint.write(name, "stale".utf8) }
    try checkpoint.write("modeling_other.py", "other".utf8)
    try checkpoint.write("Tokenization.PY", "other".utf8)
    try checkpoint.write("start", "#!/bin/sh\n".utf8)
    try checkpoint.editConfig {
      $0["auto_map"] = [
        "AutoConfig": "modeling_other.Config", "AutoModelForCausalLM": "modeling_graft_m2rnn.Old",
      ]
      $0["model_file"] = "modeling_other.py"
    }
    return checkpoint
  }

  private static let programs = ["Tokenization.PY", "modeling_other.py", "start"]

  /// Programs and what names them stay behind and are named, in the same layout, another and a splice.
  @Test(arguments: [
    ["convert"], ["convert", "--to", "mlx-qwen3_5"], ["convert", "--to", "gguf-qwen35"],
    ["splice", "--layer", "0"],
  ])
  func programsStayBehind(arguments: [String]) throws {
    let checkpoint = try withPrograms()
    let out = checkpoint.beside("out")
    let paths = [checkpoint.path.string, out.string]
    let result = try GraftCommand.run([arguments[0]] + paths + arguments.dropFirst())
    expectSuccess(result)
    for name in Self.programs + ["auto_map/AutoConfig modeling_other.Config", "model_file"] {
      #expect(result.output.contains(name), "\(name) in \(result)")
    }
    let names = EditableCheckpoint.names(in: out)
    #expect(Self.programs.allSatisfy { !names.contains($0) })
    if arguments[0] == "splice" { try expectFiles(in: out) } else { try expectNoFiles(in: out) }
    guard names.contains("config.json") else { return }
    let map = try config(out)["auto_map"]?.object
    #expect(try config(out)["model_file"] == nil && map?["AutoConfig"] == nil)
    #expect((map == nil) == (arguments[0] == "convert"))
  }

  /// Where they are allowed, they travel, but for the file that Graft writes itself.
  @Test func programsTravelWhereTheyAreAllowed() throws {
    let checkpoint = try withPrograms()
    let (plain, spliced) = (checkpoint.beside("plain"), checkpoint.beside("spliced"))
    try graft("convert", checkpoint.path.string, plain.string, "--allow", "code")
    let names = EditableCheckpoint.names(in: plain)
    try expectNoFiles(in: plain)
    #expect(Self.programs.allSatisfy(names.contains))
    #expect(try config(plain)["auto_map"] == ["AutoConfig": "modeling_other.Config"])
    try graft(
      "splice", checkpoint.path.string, spliced.string, "--layer", "0", "--allow", "code")
    try expectFiles(in: spliced)
    #expect(try config(spliced)["auto_map"]?["AutoConfig"] == "modeling_other.Config")
    #expect(EditableCheckpoint.names(in: spliced).contains("start"))
  }

  /// Other files name programs, too; what else they say stays byte for byte.
  @Test func filesBesideNameNoPrograms() throws {
    let checkpoint = try EditableCheckpoint("huggingface/qwen3_5/text-bf16")
    let map = #""auto_map": {"AutoTokenizer": ["other.Slow", null]}"#
    let cases: [(name: String, before: String, after: String)] = [
      (
        "tokenizer_config.json", "{\(map), \"model_max_length\": 1000000000000000019884624838656}",
        #"{"model_max_length": 1000000000000000019884624838656}"#
      ),
      ("preprocessor_config.json", "{ \"a\" : 1,\n  \(map)\n}", "{ \"a\" : 1\n}"),
      (
        "processor_config.json",
        "{\"image\": {\(map)}, \"b\": [{\"auto\\u005fmap\": \"x.Y\", \"c\": 1}]}",
        "{\"image\": {}, \"b\": [{\"c\": 1}]}"
      ),
      (
        "generation_config.json", "{\"custom_generate\": \"x/y\", \(map), \"eos_token_id\": 2}",
        #"{"eos_token_id": 2}"#
      ),
      ("other.json", #"{"auto_map": 17, "x": 1}"#, #"{"auto_map": 17, "x": 1}"#),
    ]
    for (name, before, _) in cases { try checkpoint.write(name, before.utf8) }
    try checkpoint.write("odd.json", "{\"x\": NaN, \(map)}".utf8)
    try checkpoint.write("fine.json", #"{"x": NaN}"#.utf8)
    let large = try checkpoint.write("special_tokens_map.json", Array(repeating: 0x20, count: 8192))
    #expect(truncate(large.string, 128 << 20) == 0)
    let out = checkpoint.beside("out")
    let result = try GraftCommand.run("convert", checkpoint.path.string, out.string)
    expectSuccess(result)
    for (name, _, after) in cases {
      let found = String(decoding: try Fixtures.contents(out.appending(name)), as: UTF8.self)
      #expect(found == after, "\(name)")
      let isNamed = result.output.contains("\(name): ")
      #expect(isNamed == (name != "other.json"), "\(name)")
    }
    let names = EditableCheckpoint.names(in: out)
    #expect(names.contains("fine.json"))
    for name in ["odd.json", "special_tokens_map.json"] {
      #expect(!names.contains(name) && result.output.contains(name), "\(name)")
    }
  }

  /// Logits of transformers with the classes of the file.
  @Test func graftComputesWhatTheClassesCompute() throws {
    let folder = try TemporaryDirectory()
    let out = folder.path.appending("out")
    try graft(
      "splice", Fixtures.path("huggingface/qwen3_5/text-bf16").string, out.string, "--layer", "1",
      "--seed", "0")
    let reference = Fixtures.path("spliced/qwen3_5-text-layer1.safetensors")
    try graft("verify", out.string, "--reference", reference.string)
  }
}
