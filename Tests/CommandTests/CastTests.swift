import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// Casts through the command line, value by value against a rounding of their own.
@Suite struct CastTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  private func convert(_ source: FilePath, _ name: String, _ options: String...) throws -> (
    tensors: [String: PlainCheckpointFile.Tensor], report: JSONValue
  ) {
    let out = folder.path.appending(name)
    let result = try GraftCommand.run(["convert", source.string, out.string, "--json"] + options)
    expectSuccess(result)
    return (try EditableCheckpoint.tensors(of: out), try result.json())
  }

  /// The nearest BF16, ties to even, found by comparing with both neighbours.
  private static func nearestBF16(_ value: Float) -> Float {
    guard value.isFinite else { return value }
    let below = Float(bitPattern: value.bitPattern & 0xffff_0000)
    let above = Float(bitPattern: (value.bitPattern & 0xffff_0000) &+ 0x1_0000)
    let (down, up) = (
      abs(Double(value) - Double(below)),
      abs(Double(above.isFinite ? above : below * 2) - Double(value))
    )
    if down == up { return below.bitPattern & 0x1_0000 == 0 ? below : above }
    return down < up ? below : above
  }

  private static func isDecay(_ name: String) -> Bool {
    name.hasSuffix("A_log") || name.hasSuffix("dt_bias")
  }

  @Test(arguments: ["options/layernorm", "options/gdn-options", "options/moe-bias"])
  func bf16RoundsToNearestEvenAndCountsChanges(_ name: String) throws {
    let before = try EditableCheckpoint.tensors(of: Fixtures.path(name))
    let (after, report) = try convert(
      Fixtures.path(name), "out", "--dtype", "bf16", "--allow", "lossy")
    #expect(after.keys.sorted() == before.keys.sorted())
    var changes: [String: Int] = [:]
    for (name, old) in before {
      let new = try #require(after[name])
      #expect(
        new.shape == old.shape && new.type == (Self.isDecay(name) ? "F32" : "BF16"), "\(name)")
      let expected = Self.isDecay(name) ? old.floats : old.floats.map(Self.nearestBF16)
      #expect(new.floats == expected, "\(name)")
      let changed = zip(old.floats, new.floats).filter { $0 != $1 }.count
      if changed > 0 { changes[name] = changed }
    }
    let reported = try #require(report["changed_values"]?.object)
    #expect(!changes.isEmpty && reported.keys.sorted() == changes.keys.sorted())
    for (name, count) in changes { #expect(reported[name]?.int == count, "\(name)") }
  }

  /// A narrower type is no loss where it holds every value.
  @Test(arguments: ["huggingface/qwen3_5/text-bf16", "options/bf16-all"])
  func wideningIsUndoneWithoutLoss(_ name: String) throws {
    let source = Fixtures.path(name)
    _ = try convert(source, "wide", "--dtype", "f32")
    let (back, report) = try convert(folder.path.appending("wide"), "back", "--dtype", "bf16")
    let before = try EditableCheckpoint.tensors(of: source)
    for (name, tensor) in before { #expect(back[name]?.floats == tensor.floats, "\(name)") }
    #expect(report["changed_values"]?.object?.isEmpty == true)
  }

  @Test func f16RoundsAsTheMachineDoes() throws {
    let source = Fixtures.path("options/gdn-heads")
    let before = try EditableCheckpoint.tensors(of: source)
    let (after, _) = try convert(source, "out", "--dtype", "f16", "--allow", "lossy")
    for (name, old) in before where !Self.isDecay(name) {
      #expect(after[name]?.type == "F16")
      #expect(after[name]?.floats == old.floats.map { Float(Float16($0)) }, "\(name)")
    }
  }

  @Test func edgesOfTheRounding() throws {
    let checkpoint = try EditableCheckpoint("options/gdn-small")
    let name = "transformer.wte.weight"
    let patterns: [UInt32] = [
      0, 0x8000_0000, 0x3f80_8000, 0x3f81_8000, 0x3f80_7fff, 0x3f80_8001, 0x7f7f_7fff, 0x7f80_0000,
      0xff80_0000, 1, 0x0000_8000, 0x0001_8000, 0x8000_ffff, 0x477f_e000, 0x477f_efff, 0x3380_0000,
      0x3300_0000, 0x3300_0001, 0xbf80_8000,
    ]
    try checkpoint.editWeights { file in
      var values = file[name]?.floats ?? []
      for (index, bits) in patterns.enumerated() { values[index] = Float(bitPattern: bits) }
      file[name]?.floats = values
    }
    let (bf16, report) = try convert(
      checkpoint.path, "bf16", "--dtype-for", "*.wte.*=bf16", "--allow", "lossy")
    let (f16, _) = try convert(
      checkpoint.path, "f16", "--dtype-for", "*.wte.*=f16", "--allow", "lossy")
    let old = try #require(EditableCheckpoint.tensors(of: checkpoint.path)[name]?.floats)
    let new = try #require(bf16[name]?.floats)
    for (index, value) in old.enumerated() {
      #expect(new[index].bitPattern == Self.nearestBF16(value).bitPattern, "\(value)")
      #expect(
        f16[name]?.floats[index].bitPattern == Float(Float16(value)).bitPattern, "\(value)")
      if index > 40 { break }
    }
    let changed = zip(old, new).filter { $0 != $1 }.count
    #expect(report["changed_values"]?.object?.entries.map(\.value.int) == [changed])
  }

  @Test func numbersThatAreNoneStaySo() throws {
    let checkpoint = try EditableCheckpoint("options/gdn-small")
    let patterns: [UInt32] = [0x7fc0_0000, 0x7f80_0001, 0xffff_ffff, 0x7fff_8000, 0x7fc0_1234]
    try checkpoint.editWeights { file in
      var values = file["transformer.ln_f.weight"]?.floats ?? []
      for (index, bits) in patterns.enumerated() { values[index] = Float(bitPattern: bits) }
      file["transformer.ln_f.weight"]?.floats = values
    }
    for type in ["bf16", "f16"] {
      let (after, _) = try convert(checkpoint.path, type, "--dtype", type, "--allow", "lossy")
      let values = try #require(after["transformer.ln_f.weight"]?.floats)
      #expect(values.prefix(patterns.count).allSatisfy { $0.isNaN })
    }
  }

  @Test func withoutLeaveNothingIsLost() throws {
    let checkpoint = try EditableCheckpoint("options/gdn-small")
    for options in [["--dtype", "bf16"], ["--dtype", "f16"], ["--dtype-for", "*.ln_f.*=bf16"]] {
      let arguments = ["convert", checkpoint.path.string, checkpoint.beside("out").string]
      expectRefusal(
        try GraftCommand.run(arguments + options), 69, ["--allow lossy", "F32 to"])
      expectRefusal(
        try GraftCommand.run(arguments + options + ["--dry-run"]), 69, ["--allow lossy"])
    }
    #expect(checkpoint.neighbours == ["model"])
  }

  @Test(arguments: ["options/bf16-sharded", "options/bf16-all", "options/f16"])
  func wideningIsExactAndComesBack(_ name: String) throws {
    let before = try EditableCheckpoint.tensors(of: Fixtures.path(name))
    let (wide, report) = try convert(Fixtures.path(name), "wide", "--dtype", "f32")
    #expect(report["changed_values"]?.object?.isEmpty == true)
    for (name, old) in before {
      #expect(wide[name]?.type == "F32" && wide[name]?.floats == old.floats, "\(name)")
    }
    let verified = try GraftCommand.run(
      "verify", folder.path.appending("wide").string, Fixtures.path(name).string)
    #expect(verified.exitCode == 0, "\(verified)")
  }

  @Test func theLastMatchingPatternCounts() throws {
    let source = Fixtures.path("options/gdn-small")
    let (after, _) = try convert(
      source, "out", "--dtype", "bf16", "--dtype-for", "*.ln_*=f32", "--dtype-for", "*.ln_f.*=f16",
      "--dtype-for", "*.wte.*=keep", "--allow", "lossy")
    #expect(after["transformer.h.0.ln_1.weight"]?.type == "F32")
    #expect(after["transformer.ln_f.weight"]?.type == "F16")
    #expect(after["transformer.wte.weight"]?.type == "F32")
    #expect(after["transformer.h.0.mlp_block.c_fc.weight"]?.type == "BF16")
    #expect(after["transformer.h.0.sequence_mixer.decay_gate.dt_bias"]?.type == "F32")
  }
}
