import Containers
import Diagnostics
import GraftTestSupport
import JSON
import Layouts
import Opening
import SystemPackage
import Tensors
import Testing

@testable import Conversion

/// GGUF files as Ollama wrote them: other names and keys, and what is not of the text model inside.
struct OllamaFileTests {
  private let scratch: TemporaryDirectory

  init() throws { scratch = try TemporaryDirectory() }

  /// A file of llama.cpp and the layout of transformers that holds its model.
  private static let files = [
    ("qwen35-q8_0", "qwen3_5"), ("qwen35moe-bf16", "qwen3_5_moe"), ("qwen3next-f16", "qwen3_next"),
  ]

  private func opened(_ path: FilePath, dropping: Set<StrayTensor> = []) throws -> OpenedModel {
    try OpenedModel(path, allowing: dropping, catalogue: .builtIn())
  }

  /// What is changed in a file.
  private struct Changes {
    var values: GGUFHeader.Metadata
    var tensors: [(name: String, tensor: StoredTensor)]
    let architecture: String

    init(_ source: StoredCheckpoint) {
      values = source.values
      tensors = source.tensors.map { ($0.name, $0) }
      architecture = source.config?["general.architecture"]?.string ?? ""
    }

    mutating func set(_ key: String, _ value: JSONValue, as type: String) throws {
      let key = "\(architecture).\(key)"
      values.removeAll { $0.key == key }
      values.append((key, try GGUFValue(value, as: type)))
    }

    func value(_ key: String) -> JSONValue? {
      values.first { $0.key == "\(architecture).\(key)" }?.value.json
    }

    /// One number of key and value heads per layer, and biases without their ending.
    mutating func age() throws {
      let blocks = value("block_count")?.int ?? 0
      let names = Set(tensors.map(\.name))
      let heads = value("attention.head_count_kv") ?? 0
      try set(
        "attention.head_count_kv",
        .array((0..<blocks).map { names.contains("blk.\($0).attn_k.weight") ? heads : 0 }),
        as: "[u32]")
      for key in ["attention.recurrent_layers", "full_attention_interval"] {
        values.removeAll { $0.key == "\(architecture).\(key)" }
      }
      for index in tensors.indices where tensors[index].name.hasSuffix("ssm_dt.bias") {
        tensors[index].name.removeLast(".bias".count)
      }
    }

    mutating func addTower() throws {
      try set("vision.block_count", 1, as: "u32")
      try set("image_token_id", 7, as: "u32")
      try set("rope.mrope_interleaved", true, as: "bool")
      if let sections = value("rope.dimension_sections")?.array {
        try set("rope.dimension_sections", .array(Array(sections.prefix(3))), as: "[i32]")
      }
      let norm = tensors.first { $0.name == "output_norm.weight" }
      for name in ["v.blk.0.attn_q.weight", "v.merger.norm.weight"] {
        if let tensor = norm?.tensor { tensors.append((name, tensor)) }
      }
    }
  }

  private func file(_ name: String, as copy: String, _ change: (inout Changes) throws -> Void)
    throws
    -> FilePath
  {
    var changes = try Changes(StoredCheckpoint.open(Fixtures.path("gguf/\(name).gguf")))
    try change(&changes)
    let path = scratch.path.appending("\(copy).gguf")
    try GGUFWriter.write(
      changes.tensors.map { name, tensor in
        TensorToWrite(name: name, type: tensor.type, shape: tensor.shape) { writer in
          try tensor.region.withBytes { try writer.write(Array($0)) }
        }
      }, metadata: changes.values, to: path)
    return path
  }

  private func convert(
    _ source: OpenedModel, to id: String, _ name: String, allowing: Set<StrayTensor> = []
  )
    throws -> OpenedModel
  {
    var options = ConversionOptions()
    options.cast = id.hasPrefix("gguf") ? nil : .f32
    options.allowed = allowing
    let layout = try source.target(id, leaving: allowing, in: .builtIn())
    let plan = try CheckpointPlan(converting: source, to: layout, options: options)
    let destination = scratch.path.appending(name)
    try plan.writePlainly(to: destination)
    return try opened(destination)
  }

  private func expectSameTensors(_ a: OpenedModel, _ b: OpenedModel) throws {
    #expect(Set(a.checkpoint.tensors.map(\.name)) == Set(b.checkpoint.tensors.map(\.name)))
    for tensor in a.checkpoint.tensors {
      guard let other = b.checkpoint.tensor(tensor.name) else { continue }
      #expect(try tensor.region.holdsSameBytes(as: other.region), "\(tensor.name)")
    }
  }

  private func expectRefusal(_ path: FilePath, _ mentions: String...) {
    do {
      _ = try opened(path)
      Issue.record("it was read")
    } catch {
      let text = error.asProblems.map(\.text).joined(separator: "\n")
      for mention in mentions { #expect(text.contains(mention), "\(text)") }
    }
  }

  @Test(arguments: files)
  func itIsTheModelOfThePlainFile(name: String, layout: String) throws {
    let held = try opened(
      file(name, as: "held") {
        try $0.age()
        try $0.addTower()
      })
    let plain = try opened(Fixtures.path("gguf/\(name).gguf"))
    #expect(held.configuration == plain.configuration && !held.layout.form.isWritten)
    #expect(held.layout.unknownKeys(held.checkpoint.config ?? .null).isEmpty)
    #expect(throws: (any Error).self, "the tower has no place") {
      try convert(held, to: layout, "refused")
    }
    try expectSameTensors(
      convert(held, to: layout, "there", allowing: [.vision]), convert(plain, to: layout, "plain"))
  }

  /// The form that llama.cpp reads keeps what describes the file and loses what describes the tower.
  @Test(arguments: files)
  func theReleasedFormIsMadeOfIt(name: String, layout: String) throws {
    let plain = try opened(Fixtures.path("gguf/\(name).gguf"))
    let held = try opened(
      file(name, as: "held") {
        try $0.age()
        try $0.addTower()
        let texts = [
          "general.name": GGUFValue("held"), "tokenizer.ggml.merges": GGUFValue(["a", "b"]),
        ]
        $0.values = $0.values.filter { texts[$0.key] == nil } + texts.map { ($0.key, $0.value) }
      })
    let released = try convert(held, to: held.layout.id, "released", allowing: [.vision])
    try expectSameTensors(released, plain)
    #expect(released.layout.form.isWritten && released.configuration == plain.configuration)
    let values = Dictionary(
      released.checkpoint.values.map { ($0.key, $0.value) }, uniquingKeysWith: { a, _ in a })
    #expect(values["general.name"] == GGUFValue("held"))
    #expect(values["tokenizer.ggml.merges"] == GGUFValue(["a", "b"]))
    #expect(!values.keys.contains { $0.contains(".vision.") || $0.hasSuffix("image_token_id") })
    let key = held.layout.id.dropFirst("gguf-".count) + ".attention.head_count_kv"
    #expect(values[String(key)]?.type == .u32)
    #expect(released.findings.isEmpty, "\(released.findings.map(\.text))")
  }

  @Test func predictionUnderOtherNamesIsNeverTakenForThatOfTransformers() throws {
    let held = try opened(
      file("qwen35-q8_0", as: "held") { changes in
        try changes.age()
        let norm = changes.tensors.first { $0.name == "output_norm.weight" }
        for name in ["mtp.norm.weight", "mtp.layers.0.attn_norm.weight"] {
          if let tensor = norm?.tensor { changes.tensors.append((name, tensor)) }
        }
      })
    #expect(held.findings.isEmpty, "\(held.findings.map(\.text))")
    #expect(throws: (any Error).self) { try convert(held, to: "qwen3_5", "refused") }
    var options = ConversionOptions()
    options.dropsMTP = true
    options.cast = .f32
    let plan = try CheckpointPlan(
      converting: held, to: held.target("qwen3_5", in: .builtIn()), options: options)
    try plan.writePlainly(to: scratch.path.appending("there"))
    let there = try opened(scratch.path.appending("there"))
    #expect(there.checkpoint.tensors.allSatisfy { !$0.name.hasPrefix("mtp.") })
  }

  @Test func whatIsNotSuchAFileIsRefused() throws {
    let name = "qwen35-q8_0"
    expectRefusal(
      try file(name, as: "unlike") { changes in
        try changes.age()
        let counts = changes.value("attention.head_count_kv")?.array ?? []
        let last = counts.lastIndex { $0 != 0 } ?? 0
        var unlike = counts
        unlike[last] = 7
        unlike[0] = 3
        try changes.set("attention.head_count_kv", .array(unlike), as: "[u32]")
      }, "attention.head_count_kv: layers have different numbers")
    expectRefusal(
      try file(name, as: "grouped") { changes in
        try changes.age()
        try changes.set("ssm.v_head_reordered", false, as: "bool")
      }, "ssm.v_head_reordered")
    expectRefusal(
      try file(name, as: "missing") { changes in
        try changes.age()
        changes.tensors.removeAll { $0.name == "blk.0.ssm_dt" }
      }, "missing", "blk.0.ssm_dt")
    expectRefusal(
      try file(name, as: "both") { changes in
        let first = changes.tensors.first { $0.name == "blk.0.ssm_dt.bias" }
        try changes.age()
        if let first { changes.tensors.append(first) }
      }, "blk.0.ssm_dt")
    expectRefusal(
      try file(name, as: "shape") { changes in
        try changes.age()
        let other = changes.tensors.first { $0.name == "output_norm.weight" }
        let place = changes.tensors.firstIndex { $0.name == "blk.0.ssm_dt" }
        if let other, let place { changes.tensors[place] = ("blk.0.ssm_dt", other.tensor) }
      }, "another shape", "blk.0.ssm_dt")
  }
}
