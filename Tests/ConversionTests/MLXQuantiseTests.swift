import Canonical
import Containers
import Diagnostics
import Foundation
import GraftTestSupport
import JSON
import Layouts
import Opening
import SystemPackage
import Tensors
import Testing

@testable import Conversion

/// Checkpoints quantised for mlx-lm are those of mlx_lm.convert, tensor for tensor.
struct MLXQuantiseTests {
  /// A checkpoint, what is made of it, and what mlx-lm made of it.
  struct Case: CustomTestStringConvertible, Sendable {
    let source: String
    let layout: String
    let kind: QuantisationKind
    let group: Int?
    let hash: String
    let claim: JSONValue
    var testDescription: String { "\(source) \(kind.rawValue)" }

    static let all: [Case] = {
      let list = try? JSONValue(parsing: Fixtures.bytes("quantised/mlx.json")).array
      return (list ?? []).compactMap(Case.init)
    }()

    init?(_ value: JSONValue) {
      guard let source = value["source"]?.string, let layout = value["layout"]?.string,
        let kind = value["kind"]?.string.flatMap({ QuantisationKind(name: $0) }),
        let hash = value["sha256"]?.string, let claim = value["quantization"]
      else { return nil }
      (self.source, self.layout, self.kind, self.hash) = (source, layout, kind, hash)
      (self.claim, group) = (claim, value["group"]?.int)
    }

    var options: ConversionOptions {
      var options = ConversionOptions()
      (options.quantisation, options.groupSize) = (kind, group)
      options.dropsMTP = true
      return options
    }

    func plan() throws -> CheckpointPlan {
      let source = try OpenedModel(Fixtures.path(source), catalogue: .builtIn())
      return try CheckpointPlan(
        converting: source, to: source.target(layout, in: .builtIn()), options: options)
    }
  }

  @Test(arguments: Case.all)
  func tensorsAndClaimAreThoseOfMLX(item: Case) throws {
    let scratch = try TemporaryDirectory()
    let path = scratch.path.appending("out")
    try item.plan().writePlainly(to: path, threads: 2)
    let output = try OpenedModel(path, catalogue: .builtIn())
    #expect(try text(of: output.stored).sha256 == item.hash)
    for key in ["quantization", "quantization_config"] {
      // The order of modules is that of the classes of mlx-lm, and of no meaning.
      #expect(members(output.config.value[key]) == members(item.claim))
    }
  }

  private func members(_ claim: JSONValue?) -> [String: JSONValue] {
    Dictionary(
      (claim?.object?.entries ?? []).map { ($0.key, $0.value) },
      uniquingKeysWith: { first, _ in first })
  }

  /// The tensors that mlx-lm reads, one to a line.
  private func text(of stored: StoredCheckpoint) throws -> String {
    try stored.tensors.filter { !$0.name.hasPrefix("vision_tower.") }
      .sorted { $0.name < $1.name }
      .map { "\($0.name) \($0.type.rawValue) \($0.shape) \(try TensorHash.stored($0.region))\n" }
      .joined()
  }

  /// The error that is told is that of the values which a reader computes.
  @Test func errorsAreThoseOfTheOutput() throws {
    let item = try #require(Case.all.first)
    let scratch = try TemporaryDirectory()
    let path = scratch.path.appending("out")
    let plan = try item.plan()
    let report = try plan.write(to: path, WriteOptions(catalogue: .builtIn(), version: "0"))
    let output = try OpenedModel(path, catalogue: .builtIn())
    let name = "language_model.model.embed_tokens.weight"
    let told = try #require(report.rounding.first { $0.name == name }?.error.relative)
    let before = try #require(plan.source.canonical.tensors[Role("embedding")]).floats()
    let after = try #require(output.canonical.tensors[Role("embedding")]).floats()
    let energy = before.reduce(0) { $0 + Double($1) * Double($1) }
    let error = zip(before, after).reduce(0) { $0 + pow(Double($1.0) - Double($1.1), 2) }
    #expect(abs(told - (error / energy).squareRoot()) < 1e-7)
    #expect(report.rounding.count == output.checkpoint.tensors.count { $0.packed != nil })
  }

  /// Parts that several processes write in small files are the same as the whole.
  @Test func partsAreTheSameAsTheWhole() throws {
    let item = try #require(Case.all.last)
    let scratch = try TemporaryDirectory()
    let (whole, parts) = (scratch.path.appending("whole"), scratch.path.appending("parts"))
    try item.plan().writePlainly(to: whole)
    let source = try OpenedModel(Fixtures.path(item.source), catalogue: .builtIn())
    var options = item.options
    options.maximumShardSize = 40_000
    let plan = try CheckpointPlan(
      converting: source, to: source.target(item.layout, in: .builtIn()), options: options)
    var write = try WriteOptions(catalogue: .builtIn(), version: "0")
    for share in Share.all(2) {
      write.task = .part(share)
      _ = try plan.write(to: parts, write)
    }
    write.task = .finish
    let report = try plan.write(to: parts, write)
    let outputs = try [whole, parts].map { try OpenedModel($0, catalogue: .builtIn()) }
    #expect(outputs[1].checkpoint.weightFiles.count > 2)
    #expect(try text(of: outputs[0].stored) == text(of: outputs[1].stored))
    #expect(!report.rounding.isEmpty)
  }

  /// mlx-lm moves the tokens that end a text from `generation_config.json` into the config.
  @Test(
    arguments: [("7", JSONValue(7)), ("[3, 5]", [3, 5]), ("0", nil), ("null", nil)]
      as [(String, JSONValue?)])
  func configsGetTheEndOfText(tokens: String, expected: JSONValue?) throws {
    let checkpoint = try EditableCheckpoint("huggingface/qwen3_5/text-bf16")
    try checkpoint.editConfig { $0["eos_token_id"] = nil }
    try checkpoint.write("generation_config.json", "{\"eos_token_id\": \(tokens)}".utf8)
    let source = try OpenedModel(checkpoint.path, catalogue: .builtIn())
    let plan = try CheckpointPlan(
      converting: source, to: source.target("mlx-qwen3_5", in: .builtIn()),
      options: ConversionOptions())
    let found = try JSONValue(parsing: plan.config)["eos_token_id"]
    #expect((found?.isNull == true ? nil : found) == expected)
  }

  /// Rules pack some weights otherwise, others not at all, and the last that matches counts.
  @Test func rulesDecideWeightByWeight() throws {
    let source = try OpenedModel(
      Fixtures.path("huggingface/qwen3_5/text-bf16"), catalogue: .builtIn())
    var options = ConversionOptions()
    options.quantisation = .mlx4Bit
    options.rules = [
      try TypeRule("*.mlp.gate*=MLX-8bit"), try TypeRule("*.gate_proj.weight=mlx-mxfp4"),
      try TypeRule("*lm_head.weight=keep"),
    ]
    let plan = try CheckpointPlan(
      converting: source, to: source.target("mlx-qwen3_5", in: .builtIn()), options: options)
    let rules = Dictionary(
      plan.shards.flatMap(\.tensors).map { ($0.name, $0.rule.text) },
      uniquingKeysWith: { a, _ in a })
    let mlp = "language_model.model.layers.0.mlp"
    #expect(rules["\(mlp).gate_proj.weight"]?.contains("mxfp4") == true)
    #expect(rules["\(mlp).up_proj.weight"]?.contains("4 bits in groups of 64") == true)
    #expect(rules["language_model.lm_head.scales"] == nil)
    let claim = try JSONValue(parsing: plan.config)["quantization"]
    #expect(claim?["bits"] == 4 && claim?["\(mlp).up_proj"] == nil)
    #expect(claim?["\(mlp).gate_proj"]?["mode"] == "mxfp4")
  }

  @Test func groupsThatDivideNoRowAreRefused() throws {
    let form = try #require(try QuantisationKind.mlx4Bit.mlxForm(group: 128))
    let source = try OpenedModel(
      Fixtures.path("huggingface/qwen3_5/text-bf16"), catalogue: .builtIn())
    let problem = try #require(throws: Problem.self) {
      try MLXPolicy(form, for: source).forms(
        of: [BoundTensor(carrying: "model.layers.0.mlp.up_proj.weight", shape: [96, 64])])
    }
    #expect(problem.kind == .unsupported && problem.expected == "rows of a multiple of 128 values")
  }

  @Test(arguments: [
    (QuantisationKind.mlx4Bit, 48), (.mlxMXFP4, 64), (.mlxNVFP4, 32), (.fp8Block, 64),
    (.q8Zero, 32),
  ])
  func groupsThatAKindHasNotAreRefused(kind: QuantisationKind, group: Int) throws {
    let problem = try #require(throws: Problem.self) { try kind.mlxForm(group: group) }
    #expect(problem.kind == .usage && problem.found == "\(group)")
  }
}

extension String {
  fileprivate var sha256: String { TensorHash.text(Array(utf8)) }
}
