import GraftTestSupport
import JSON
import SystemPackage
import Tensors
import Testing

/// The table of n-grams, the largest tensor of its models: its pieces, its types, its one scale, its rows.
@Suite struct NgramTableTests {
  private static let released = "huggingface/qwen4_exp/released-f32"
  private static let shards = (0..<4).map {
    "model.layers.1.ple.ple_embedding.ngram_embedding.shard_\($0).weight"
  }

  private func sameFile(_ one: FilePath, _ other: FilePath, _ name: String) throws -> Bool {
    try Fixtures.contents(one.appending(name)) == Fixtures.contents(other.appending(name))
  }

  /// The released model with shards in some types.
  private func mixed(_ types: [String] = ["F32", "BF16", "F16", "BF16"]) throws
    -> EditableCheckpoint
  {
    let checkpoint = try EditableCheckpoint(Self.released)
    try checkpoint.editWeights { file in
      for (name, type) in zip(Self.shards, types) where type != "F32" {
        let shard = try #require(file[name])
        let bytes = shard.floats.flatMap { value in
          let bits = type == "F16" ? Float16(value).bitPattern : UInt16(value.bitPattern >> 16)
          return withUnsafeBytes(of: bits) { Array($0) }
        }
        file[name] = .init(name, type, shard.shape, bytes)
      }
    }
    return checkpoint
  }

  /// Each shard keeps its type: where it stays, where layouts have other names for shards, and on the way back
  /// from a layout with one table, whose values are F32.
  @Test(arguments: ["qwen4_exp", "mlx-qwen4_exp", "gguf-qwen4exp"])
  func shardsKeepTheirTypes(_ layout: String) throws {
    let checkpoint = try mixed()
    let there = checkpoint.beside("there")
    let back = checkpoint.beside("back")
    expectSuccess(try checkpoint.graft("convert", there.string, "--to", layout))
    expectSuccess(
      try GraftCommand.run(
        "convert", there.string, back.string, "--to", "qwen4_exp", "--form", "text, experts fused"))
    #expect(
      try EditableCheckpoint.tensors(of: checkpoint.path) == EditableCheckpoint.tensors(of: back))
    expectSuccess(try checkpoint.graft("verify", there.string))
  }

  @Test func typesThatCannotStandTogetherAreRefused() throws {
    let checkpoint = try EditableCheckpoint(Self.released)
    try checkpoint.editWeights { file in
      let shard = try #require(file[Self.shards[0]])
      file[shard.name] = .init(
        shard.name, "F8_E4M3", shard.shape, shard.floats.map { FloatBits.f8E4M3($0) })
      let scale = "model.layers.1.ple.ple_embedding.ngram_embedding.weight_scale"
      file.tensors.append(.init(scale, "BF16", [1], [0x80, 0x3f]))
    }
    try checkpoint.editConfig { $0["quantization_config"] = Self.blocks }
    expectRefusal(
      try checkpoint.graft("inspect"), 69, ["cannot stand together", "F32, F8_E4M3", "shard_0"])
  }

  private static let blocks: JSONValue = [
    "quant_method": "fp8", "fmt": "e4m3", "activation_scheme": "dynamic",
    "weight_block_size": [128, 128],
  ]

  /// A table in FP8 has one scale for all shards; matrices beside it have those of their blocks.
  @Test func oneScaleOfATableStays() throws {
    let checkpoint = try EditableCheckpoint("huggingface/qwen4_exp/resave-bf16")
    let tables = [0, 3].map { "model.layers.\($0).ple.ple_embedding.ngram_embedding" }
    let matrix = "model.layers.1.mlp.experts.0.up_proj.weight"
    try checkpoint.editWeights { file in
      for (index, tensor) in file.tensors.enumerated()
      where tensor.name == matrix
        || tables.contains(where: { tensor.name.hasPrefix($0 + ".shard") })
      {
        let codes = tensor.floats.map { FloatBits.f8E4M3($0 / 0.5) }
        file.tensors[index] = .init(tensor.name, "F8_E4M3", tensor.shape, codes)
      }
      for table in tables {
        file.tensors.append(.init(table + ".weight_scale", "BF16", [1], [0x00, 0x3f]))
      }
      file.tensors.append(.init(matrix + "_scale_inv", [1, 1], [0.5]))
    }
    try checkpoint.editConfig { $0["quantization_config"] = Self.blocks }
    let inspected = try checkpoint.graft("inspect", "--audit")
    #expect(inspected.output.contains("2 tables with one scale each"), "\(inspected)")
    let (kept, plain) = (checkpoint.beside("kept"), checkpoint.beside("plain"))
    expectSuccess(try checkpoint.graft("convert", kept.string, "--to", "qwen4_exp"))
    #expect(
      try EditableCheckpoint.tensors(of: kept) == EditableCheckpoint.tensors(of: checkpoint.path))
    expectSuccess(try checkpoint.graft("convert", plain.string, "--dtype", "f32"))
    let name = tables[1] + ".shard_2.weight"
    let codes = try #require(EditableCheckpoint.tensors(of: kept)[name])
    let values = try #require(EditableCheckpoint.tensors(of: plain)[name])
    #expect(values.floats == codes.bytes.map { FloatBits.float(f8E4M3: $0) * 0.5 })
    expectSuccess(try checkpoint.graft("verify", plain.string))
  }

  /// A released model whose table has other rows, as one tensor that is divided again.
  private func withRows(_ change: ([Float]) -> [Float]) throws -> EditableCheckpoint {
    let checkpoint = try EditableCheckpoint(Self.released)
    try checkpoint.editWeights { file in
      let values = change(try Self.shards.flatMap { try #require(file[$0]).floats })
      let share = values.count / Self.shards.count
      for (index, name) in Self.shards.enumerated() {
        let own = Array(values[index * share..<(index + 1) * share])
        file[name] = .init(name, [share / 4, 4], own)
      }
    }
    return checkpoint
  }

  /// Rows of zeros behind the last, or behind those of each shard, as tools pad tables.
  @Test(arguments: [false, true])
  func paddedRowsAreCutOff(_ areShardsPadded: Bool) throws {
    let checkpoint = try withRows { values in
      guard areShardsPadded else { return values + [Float](repeating: 0, count: 4 * 32) }
      return stride(from: 0, to: values.count, by: 96).flatMap {
        values[$0..<$0 + 96] + [Float](repeating: 0, count: 32)
      }
    }
    expectRefusal(try checkpoint.graft("inspect"), 65, ["shard_0", "[24, 4]", "[32, 4]"])
    let out = checkpoint.beside("out")
    let repaired = try checkpoint.graft("repair", out.string)
    #expect(repaired.output.contains("rows of zeros cut off: 32 rows → 24 rows"), "\(repaired)")
    #expect(try sameFile(out, Fixtures.path(Self.released), "model.safetensors"))
  }

  /// Rows with values are none that may be cut off, and rows that are missing are nowhere else.
  @Test func otherRowsAreRefused() throws {
    let long = try withRows { $0 + [Float](repeating: 1, count: 4 * 32) }
    expectRefusal(
      try long.graft("repair", long.beside("out").string), 65, ["128 rows", "rows of zeros"])
    let short = try withRows { $0.dropLast(4 * 4) }
    expectRefusal(
      try short.graft("repair", short.beside("out").string), 65, ["92 rows", "in the original"])
  }

  /// A token reads a row for each head, not the table.
  @Test func aTokenUsesTheRowsThatItReads() throws {
    let checkpoint = try EditableCheckpoint(Self.released)
    let document = try checkpoint.graft("inspect", "--json").json()
    let (all, used) = (document["parameters"]?.int ?? 0, document["active_parameters"]?.int ?? 0)
    // Of 96 rows of 4 four are read, of 4 experts 2 are chosen in each of 4 layers.
    #expect(all - used == 92 * 4 + 4 * 2 * 3 * 6 * 16, "\(all) \(used)")
  }
}
