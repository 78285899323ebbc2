import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// Vision towers that go from the names of transformers to those of mlx-vlm and back.
@Suite struct VisionTowerTests {
  private static let dense = "huggingface/qwen3_5/multimodal-mixed"
  private static let experts = "huggingface/qwen3_5_moe/multimodal-fused-mixed"
  private static let patches = "patch_embed.proj.weight"

  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  private func there(_ fixture: String, _ name: String, _ options: String...) throws -> FilePath {
    let layout = fixture == Self.dense ? "mlx-qwen3_5" : "mlx-qwen3_5_moe"
    let out = folder.path.appending(name)
    expectSuccess(
      try GraftCommand.run(
        ["convert", Fixtures.path(fixture).string, out.string, "--to", layout, "--mtp", "drop"]
          + options))
    return out
  }

  private func tensors(_ path: FilePath) throws -> [String: PlainCheckpointFile.Tensor] {
    try EditableCheckpoint.tensors(of: path)
  }

  @Test(arguments: [dense, experts])
  func everyTensorComesBackByteForByte(_ fixture: String) throws {
    let there = try there(fixture, "there")
    let source = try tensors(Fixtures.path(fixture))
    let tower = try tensors(there).filter { $0.key.hasPrefix("vision_tower.") }
    #expect(tower.count == source.keys.count { $0.hasPrefix("model.visual.") })
    let patch = try #require(source["model.visual." + Self.patches])
    let moved = try #require(tower["vision_tower." + Self.patches])
    #expect(moved.shape == [0, 2, 3, 4, 1].map { patch.shape[$0] })
    let config = try JSONValue(parsing: Fixtures.contents(there.appending("config.json")))
    #expect(config["vision_config"]?.object != nil && config["image_token_id"] != nil)
    let layout = fixture == Self.dense ? "qwen3_5" : "qwen3_5_moe"
    for options in [[], ["--no-manifest"]] {
      let back = folder.path.appending("back\(options.count)")
      expectSuccess(
        try GraftCommand.run(
          ["convert", there.string, back.string, "--to", layout, "--allow", "lossy"] + options))
      let returned = try tensors(back)
      for (name, tensor) in source where !name.hasPrefix("mtp.") {
        #expect(returned[name] == tensor, "\(name)")
      }
      let old = try JSONValue(
        parsing: Fixtures.contents(Fixtures.path(fixture).appending("config.json")))
      let new = try JSONValue(parsing: Fixtures.contents(back.appending("config.json")))
      #expect(new["vision_config"] == old["vision_config"])
    }
  }

  @Test func oneModelUnderBothNamesIsTheSame() throws {
    let there = try there(Self.dense, "there")
    expectSuccess(try GraftCommand.run("verify", Fixtures.path(Self.dense).string, there.string))
    let diff = try GraftCommand.run("diff", Fixtures.path(Self.dense).string, there.string)
    #expect(!diff.output.contains("vision."), "\(diff)")
    let copy = try EditableCheckpoint(copying: there)
    try copy.editWeights { $0["vision_tower." + Self.patches]?.bytes[5] ^= 1 }
    for verb in ["verify", "diff"] {
      let result = try GraftCommand.run(verb, Fixtures.path(Self.dense).string, copy.path.string)
      #expect(result.exitCode == 1 && result.output.contains("vision." + Self.patches), "\(result)")
    }
  }

  /// The order of other libraries, in which the values would mean something else.
  @Test func axesInAnotherOrderAreRefused() throws {
    let copy = try EditableCheckpoint(copying: there(Self.dense, "there"))
    let plain = try #require(tensors(Fixtures.path(Self.dense))["model.visual." + Self.patches])
    try copy.editWeights { file in
      file["vision_tower." + Self.patches]?.shape = plain.shape
      file["vision_tower." + Self.patches]?.bytes = plain.bytes
    }
    try copy.expectRefused(65, "vision_tower." + Self.patches, "vision_config/in_channels")
    try copy.editWeights { $0["vision_tower." + Self.patches]?.shape = [plain.bytes.count / 2, 1] }
    try copy.expectRefused(65, "vision_tower." + Self.patches, "5 axes")
  }

  /// mlx-vlm does not load a model whose config describes a tower that is not there.
  @Test func aTowerThatIsLostIsTold() throws {
    let copy = try EditableCheckpoint(copying: there(Self.dense, "there"))
    #expect(try copy.graft("inspect", "--audit").exitCode == 0)
    try copy.editWeights { file in
      file.tensors.removeAll { $0.name.hasPrefix("vision_tower.") }
    }
    let audit = try copy.graft("inspect", "--audit")
    #expect(audit.exitCode == 1 && audit.output.contains("vision"), "\(audit)")
    let text = try there(Self.dense, "text", "--allow", "vision")
    #expect(try GraftCommand.run("inspect", text.string, "--audit").exitCode == 0)
  }

  @Test func aTowerIsLeftOutWhereThatIsAllowed() throws {
    let text = try there(Self.dense, "text", "--allow", "vision")
    #expect(try tensors(text).keys.allSatisfy { !$0.hasPrefix("vision_tower.") })
    let named = try there(Self.dense, "named", "--form", "multimodal", "--allow", "vision")
    #expect(try tensors(named).keys.contains("vision_tower." + Self.patches))
  }
}
