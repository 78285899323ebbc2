import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// Rows for another number of tokens than the config counts, and `convert --vocabulary`.
@Suite struct VocabularyTests {
  private static let dense = "huggingface/qwen3_5/text-bf16"
  private static let names = ["model.embed_tokens.weight", "lm_head.weight"]

  /// What the rows behind those of the config hold.
  enum Padding: CaseIterable {
    case zeros, equal, different
  }

  private func padded(by rows: Int, _ padding: Padding = .zeros, _ names: [String] = names) throws
    -> EditableCheckpoint
  {
    let copy = try EditableCheckpoint(Self.dense)
    try copy.editWeights { file in
      for name in names {
        var tensor = try #require(file[name])
        let width = tensor.bytes.count / tensor.shape[0]
        if rows < 0 { tensor.bytes.removeLast(-rows * width) }
        for row in 0..<max(rows, 0) {
          switch padding {
          case .zeros: tensor.bytes += [UInt8](repeating: 0, count: width)
          case .equal: tensor.bytes += tensor.bytes[..<width]
          case .different: tensor.bytes += tensor.bytes[row * width..<(row + 1) * width]
          }
        }
        tensor.shape[0] += rows
        file[name] = tensor
      }
    }
    return copy
  }

  private func tokenizer(_ count: Int, in copy: EditableCheckpoint) throws {
    let tokens = (0..<count).map { "\"t\($0)\": \($0)" }.joined(separator: ", ")
    let text = #"{"model": {"type": "BPE", "vocab": {"# + tokens + #"}, "merges": []}}"#
    try copy.write("tokenizer.json", text.utf8)
  }

  private func size(_ path: FilePath) throws -> Int? {
    let config = try JSONValue(parsing: Fixtures.contents(path.appending("config.json")))
    return (config["text_config"] ?? config)["vocab_size"]?.int
  }

  @Test(arguments: [64, 8, -64, 1])
  func rowsAreReadAndCompared(_ rows: Int) throws {
    let copy = try padded(by: rows)
    let found = try copy.graft("inspect")
    expectSuccess(found)
    #expect(
      found.output.contains("vocabulary \(320 + rows)") && found.output.contains("vocab_size"))
    #expect(try copy.graft("inspect", "--audit").exitCode == 1)
    let plain = Fixtures.path(Self.dense).string
    for arguments in [[copy.path.string, plain], [plain, copy.path.string]] {
      let result = try GraftCommand.run(["verify"] + arguments)
      expectSuccess(result)
      #expect(result.output.contains("compared on the \(min(320, 320 + rows)) tokens"), "\(result)")
    }
    if rows > 0 { expectSuccess(try copy.graft("verify", "--reference", copy.reference)) }
    let out = try copy.folder.convert(copy.path, "out")
    try expectSameTensors(out, copy.path)
    #expect(try size(out) == 320 + rows)
    try copy.editWeights { $0[Self.names[1]]?.bytes[300] ^= 1 }
    #expect(try copy.graft("verify", plain).exitCode == 1)
  }

  @Test(arguments: Padding.allCases)
  func theConfigCutsRowsThatAreNotUsed(_ padding: Padding) throws {
    let copy = try padded(by: 64, padding)
    let out = copy.beside("out")
    if padding == .different {
      expectRefusal(
        try copy.graft("convert", out.string, "--vocabulary", "config"), 69,
        ["lm_head.weight", "rows 320 to 383", "tokenizer"])
      try tokenizer(320, in: copy)
    }
    expectSuccess(try copy.graft("convert", out.string, "--vocabulary", "config"))
    try expectSameTensors(out, Fixtures.path(Self.dense))
    #expect(try size(out) == 320)
  }

  @Test func aTokenInUseIsNotCut() throws {
    let copy = try padded(by: 64)
    try tokenizer(330, in: copy)
    let out = copy.beside("out").string
    expectRefusal(
      try copy.graft("convert", out, "--vocabulary", "config"), 69,
      ["tokenizer.json", "token 329", "--vocabulary 330"])
    try tokenizer(320, in: copy)
    try copy.editConfig { $0["eos_token_id"] = [1, 340] }
    expectRefusal(
      try copy.graft("convert", out, "--vocabulary", "config"), 69, ["eos_token_id: 340"])
    try copy.editConfig { $0["eos_token_id"] = nil }
    try copy.write("generation_config.json", #"{"pad_token_id": 350}"#.utf8)
    expectRefusal(
      try copy.graft("convert", out, "--vocabulary", "340"), 69,
      ["generation_config.json", "pad_token_id: 350"])
    expectSuccess(try copy.graft("convert", out, "--vocabulary", "351"))
  }

  @Test(arguments: ["qwen3_5", "mlx-qwen3_5", "gguf-qwen35"])
  func paddingAddsZerosInEveryLayout(_ layout: String) throws {
    let source = Fixtures.path(Self.dense)
    let folder = try TemporaryDirectory()
    let out = try folder.convert(source, "out", "--to", layout, "--vocabulary", "384")
    let result = try GraftCommand.run("verify", out.string, source.string)
    expectSuccess(result)
    #expect(result.output.contains("compared on the 320 tokens"), "\(result)")
    let back = try folder.convert(out, "back", "--to", "qwen3_5")
    let tensors = try EditableCheckpoint.tensors(of: back)
    let plain = try EditableCheckpoint.tensors(of: source)
    for name in Self.names {
      let (padded, own) = (try #require(tensors[name]), try #require(plain[name]))
      #expect(padded.bytes == own.bytes + [UInt8](repeating: 0, count: 64 * 64 * 2), "\(name)")
    }
    #expect(try size(back) == 384)
  }

  /// A head that repeats the embedding stays in step with it.
  @Test func aStoredCopyOfATiedHeadIsCutToo() throws {
    let copy = try padded(by: 64)
    try copy.editConfig { $0["tie_word_embeddings"] = true }
    try copy.editWeights { file in
      let embedding = try #require(file[Self.names[0]])
      file[Self.names[1]]?.bytes = embedding.bytes
    }
    let out = try copy.folder.convert(copy.path, "out", "--vocabulary", "config")
    let tensors = try EditableCheckpoint.tensors(of: out)
    #expect(Self.names.allSatisfy { tensors[$0]?.shape == [320, 64] })
    expectSuccess(try GraftCommand.run("verify", out.string, copy.path.string))
  }

  @Test(arguments: ["0", "many", "1e9", "99999999999", "config2", "", "3.5"])
  func noSize(_ text: String) throws {
    let folder = try TemporaryDirectory()
    let out = folder.path.appending("out").string
    let source = Fixtures.path(Self.dense).string
    expectRefusal(
      try GraftCommand.run("convert", source, out, "--vocabulary", text), 64, ["vocabulary"])
    #expect(EditableCheckpoint.names(in: folder.path).isEmpty)
  }

  @Test func rowsOfOneTensorAloneAreRefused() throws {
    for name in Self.names {
      try padded(by: 64, .zeros, [name]).expectRefused(65, name, "[384, 64]")
    }
    let copy = try padded(by: 64)
    try copy.editWeights { $0[Self.names[0]] = nil }
    #expect(try copy.graft("inspect").exitCode != 0)
  }

  /// What is further apart than padding takes it is another model.
  @Test func quiteAnotherSizeIsRefused() throws {
    let copy = try EditableCheckpoint(Self.dense)
    try copy.editConfig { $0["vocab_size"] = 1_000_000_000_000 }
    try copy.expectRefused(65, "embed_tokens.weight")
  }
}
