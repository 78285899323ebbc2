import Foundation
import GraftTestSupport
import SystemPackage
import Testing

/// Directories of Megatron that are not whole, and runs whose files contradict each other.
@Suite struct BadMegatronTests {
  private let folder: TemporaryDirectory
  private let run: FilePath

  init() throws {
    folder = try TemporaryDirectory()
    run = folder.path.appending("run")
    for number in [10, 20] {
      try Self.sound.write(to: Self.iteration(number, in: run))
    }
    try write("latest_checkpointed_iteration.txt", "10\n")
  }

  private static var sound: TorchDistLiteral {
    (try? MegatronLiteral.directory(of: Fixtures.path("huggingface/qwen3_5/text-bf16")))
      ?? TorchDistLiteral([])
  }

  private static func iteration(_ number: Int, in run: FilePath) -> FilePath {
    run.appending("iter_" + String(repeating: "0", count: 7 - "\(number)".count) + "\(number)")
  }

  private func write(_ name: String, _ text: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: run.appending(name).string))
  }

  private func remove(_ name: String) throws {
    try FileManager.default.removeItem(atPath: run.appending(name).string)
  }

  private func change(_ name: String, _ body: (inout [UInt8]) -> Void) throws {
    let file = run.appending(name)
    var bytes = try Fixtures.contents(file)
    body(&bytes)
    try Data(bytes).write(to: URL(fileURLWithPath: file.string))
  }

  private func inspect(_ options: String...) throws -> CommandResult {
    try GraftCommand.run(["inspect", run.string] + options)
  }

  @Test func theNewestIsReadAndAnyOther() throws {
    expectSuccess(try inspect())
    #expect(try inspect().output.contains("iter_0000010"))
    #expect(try inspect("--iteration", "20").output.contains("iter_0000020"))
    expectRefusal(try inspect("--iteration", "30"), 66, ["iter_0000010, iter_0000020", "30"])
    try remove("latest_checkpointed_iteration.txt")
    #expect(try inspect().output.contains("iter_0000020"))
    let inner = run.appending("iter_0000010").string
    expectSuccess(try GraftCommand.run(["inspect", inner]))
    expectRefusal(
      try GraftCommand.run(["inspect", inner, "--iteration", "10"]), 64, ["--iteration"])
  }

  @Test func aReleaseIsRead() throws {
    try FileManager.default.moveItem(
      atPath: run.appending("iter_0000010").string, toPath: run.appending("release").string)
    try write("latest_checkpointed_iteration.txt", "release")
    #expect(try inspect().output.contains("/release"))
  }

  @Test func aTrackerThatPointsNowhere() throws {
    try write("latest_checkpointed_iteration.txt", "40")
    expectRefusal(
      try inspect(), 66,
      ["latest_checkpointed_iteration.txt", "iteration 40", "iter_0000010, iter_0000020"])
    try write("latest_checkpointed_iteration.txt", "soon, or so")
    expectRefusal(try inspect(), 65, ["latest_checkpointed_iteration.txt", "--iteration"])
  }

  @Test func trackersThatContradictEachOther() throws {
    let step = PickleLiteral.call(
      "torch._utils", "_rebuild_tensor_v2",
      [
        .persistent([
          .text("storage"), .global("torch", "IntStorage"), .text("0"), .text("cpu"), .int(1),
        ]), .int(0), .numbers([]), .numbers([]), .bool(false),
        .call("collections", "OrderedDict", []),
      ])
    let file = TorchLiteral.file(.named(["step": step]), storage: GGUFLiteral.number(Int32(20)))
    try Data(file).write(to: URL(fileURLWithPath: run.appending("latest_train_state.pt").string))
    expectRefusal(try inspect(), 65, ["latest_train_state.pt: 20", "--iteration"])
    try remove("latest_checkpointed_iteration.txt")
    #expect(try inspect().output.contains("iter_0000020"))
  }

  @Test func whatWasNotSavedToItsEndIsNamed() throws {
    try remove("iter_0000010/.metadata")
    expectRefusal(try inspect(), 65, ["iter_0000010", "did not come to its end", "--iteration 20"])
    try remove("iter_0000020/metadata.json")
    try remove("iter_0000020/.metadata")
    expectRefusal(try inspect(), 65, ["iter_0000010", "iter_0000020"])
  }

  @Test func filesOfRanksAreNamed() throws {
    try change("iter_0000010/__1_0.distcp") { $0.removeLast(600) }
    expectRefusal(try inspect(), 65, ["__1_0.distcp", "truncated, which rank 1 wrote"])
    try remove("iter_0000010/__1_0.distcp")
    try remove("iter_0000010/__0_0.distcp")
    expectRefusal(
      try inspect(), 66, ["__1_0.distcp", "missing, which rank 1 wrote", "__0_0.distcp"])
  }

  /// What one rank did not save, or saved at the place of another, is named with the files that hold pieces.
  @Test func piecesThatLeaveHolesOrOverlap() throws {
    var directory = try MegatronLiteral.directory(
      of: Fixtures.path("huggingface/qwen3_5/text-bf16"), .init(tensorParallel: 2))
    let name = "decoder.layers.0.self_attention.out_proj.weight"
    directory.lost = [(name, 1)]
    try directory.write(to: run.appending("iter_0000010"))
    expectRefusal(try inspect(), 65, [name, "do not cover", "elements, in __", ".distcp of rank"])
    (directory.lost, directory.doubled) = ([], [(name, 0, 1)])
    try directory.write(to: run.appending("iter_0000010"))
    expectRefusal(try inspect(), 65, [name, "overlap", "in __", ".distcp of rank"])
  }

  /// Files that belong to no whole save, whatever is wrong with them: named, and nothing traps.
  @Test(arguments: [
    ("common.pt", "PK", 65), ("common.pt", "", 65), (".metadata", "", 65),
    ("metadata.json", "{", 65), ("metadata.json", "[]", 65), ("metadata.json", "{}", 65),
    ("run_config.yaml", "model: [", 65), ("run_config.yaml", "model:\n  a: *b\n", 65),
    ("__0_0.distcp", "", 65),
  ]) func filesThatSayNothing(name: String, text: String, code: Int32) throws {
    try write("iter_0000010/" + name, text)
    expectRefusal(try inspect(), code, [name])
  }

  /// Checksums are taken while pieces are read, and of rows that nobody reads as well; nothing is left of what
  /// was made of damaged bytes.
  @Test(arguments: [
    ("self_attention.out_proj.weight", ["--no-manifest"]), ("linear_fc1.weight", []),
    ("word_embeddings.weight", ["--part", "1/1"]), ("word_embeddings.weight", ["--no-manifest"]),
  ])
  func damagedPiecesAreNoticed(_ name: String, _ options: [String]) throws {
    let directory = try MegatronLiteral.directory(
      of: Fixtures.path("huggingface/qwen3_5/text-bf16"), .init(tensorParallel: 2, padding: 64))
    let place = run.appending("iter_0000010")
    try directory.write(to: place)
    // The last bytes of the last piece; those of the embedding are rows that pad the vocabulary.
    let tensor = try #require(directory.tensors.last { $0.tensor.name.hasSuffix(name) }).tensor
    let ending = Array(tensor.bytes.suffix(40))
    var isChanged = false
    for rank in 0..<2 where !isChanged {
      try change("iter_0000010/__\(rank)_0.distcp") { bytes in
        let found = bytes.indices.dropLast(ending.count).last {
          bytes[$0] == ending[0] && bytes[$0..<$0 + ending.count].elementsEqual(ending)
        }
        if let found { bytes[found + 30] ^= 4 }
        isChanged = found != nil
      }
    }
    let out = folder.path.appending("out")
    let words = ["convert", place.string, out.string, "--to", "qwen3_5"]
    expectRefusal(
      try GraftCommand.run(words + options), 65, ["of the archive is damaged", "CRC-32"])
    #expect(!FileManager.default.fileExists(atPath: out.string))
    if options.contains("--part") {
      expectRefusal(
        try GraftCommand.run(words + ["--finish"]), 66, ["did not come to their end: 1 of 1"])
    } else {
      #expect(!FileManager.default.fileExists(atPath: out.string + ".graft-partial"))
    }
  }

  @Test func filesOfAnotherRunAreNoticed() throws {
    try change("iter_0000010/__1_0.distcp") { bytes in
      bytes = Array(bytes[100...] + bytes[..<100])
    }
    expectRefusal(try inspect(), 65, ["__1_0.distcp", "one and the same save"])
  }

  @Test(arguments: ["zarr", "fsdp_dtensor"]) func otherBackends(_ name: String) throws {
    try write("iter_0000010/metadata.json", #"{"sharded_backend": "\#(name)"}"#)
    expectRefusal(try inspect(), 69, ["metadata.json", name, "--ckpt-format torch_dist"])
  }

  @Test func parametersOfOneRankAreRefusedByName() throws {
    var directory = Self.sound
    directory.backend = nil
    directory.tensors = directory.tensors.filter { !$0.tensor.name.contains("in_proj.weight.") }
    try directory.write(to: folder.path.appending("flat"))
    let flat = folder.path.appending("flat").string
    expectRefusal(try GraftCommand.run(["inspect", flat]), 69, ["fsdp_dtensor"])
    var whole = Self.sound
    whole.backend = nil
    try whole.write(to: folder.path.appending("whole"))
    let path = folder.path.appending("whole").string
    expectRefusal(try GraftCommand.run(["inspect", path]), 66, ["without metadata.json"])
  }
}
