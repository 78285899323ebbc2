import GraftTestSupport
import JSON
import Testing

/// A tied model whose file holds the head all the same.
@Suite struct TiedHeadTests {
  private let checkpoint: EditableCheckpoint

  init() throws { checkpoint = try EditableCheckpoint("options/tied") }

  private func addHead(_ change: (inout PlainCheckpointFile.Tensor) -> Void = { _ in }) throws {
    try checkpoint.editWeights { file in
      var head = try #require(file["transformer.wte.weight"])
      head.name = "lm_head.weight"
      change(&head)
      file["lm_head.weight"] = head
    }
  }

  @Test func anEqualHeadIsFine() throws {
    try addHead()
    expectSuccess(try checkpoint.graft("inspect"))
    expectSuccess(try checkpoint.graft("verify", "--reference", checkpoint.reference))
    let out = checkpoint.beside("out")
    expectSuccess(try checkpoint.graft("convert", out.string))
    let tensors = try EditableCheckpoint.tensors(of: out)
    #expect(tensors["lm_head.weight"]?.bytes == tensors["transformer.wte.weight"]?.bytes)
  }

  @Test func anEqualHeadStaysEqualWhenTypesChange() throws {
    try addHead()
    let out = checkpoint.beside("out")
    expectSuccess(
      try checkpoint.graft("convert", out.string, "--dtype", "bf16", "--allow", "lossy"))
    expectSuccess(try GraftCommand.run("verify", out.string, out.string))
    let tensors = try EditableCheckpoint.tensors(of: out)
    #expect(tensors["lm_head.weight"]?.type == tensors["transformer.wte.weight"]?.type)
    #expect(tensors["lm_head.weight"]?.bytes == tensors["transformer.wte.weight"]?.bytes)
  }

  @Test func anotherHeadIsRefused() throws {
    try addHead { $0.floats[5] += 1 }
    let out = checkpoint.beside("out").string
    let tokens = try checkpoint.folder.write("t.txt", "1 2".utf8).string
    for arguments in [
      ["convert", checkpoint.path.string, out],
      ["verify", checkpoint.path.string, "--reference", checkpoint.reference],
      ["score", checkpoint.path.string, "--tokens", tokens],
    ] {
      expectRefusal(
        try GraftCommand.run(arguments), 65,
        ["lm_head.weight", "transformer.wte.weight", "tie_word_embeddings", "model.safetensors"])
    }
    #expect(checkpoint.neighbours == ["model", "t.txt"])
  }

  @Test func aHeadOfAnotherShapeOrTypeIsRefused() throws {
    try addHead { head in
      head.shape = [head.shape[1], head.shape[0]]
    }
    expectRefusal(
      try checkpoint.graft("convert", checkpoint.beside("out").string), 65, ["lm_head.weight"])
    try checkpoint.editWeights { $0["lm_head.weight"] = nil }
    try addHead { head in
      let values = head.floats
      head.type = "BF16"
      head.bytes = values.flatMap { value in
        let bits = UInt16(value.bitPattern >> 16)
        return [UInt8(bits & 255), UInt8(bits >> 8)]
      }
    }
    expectRefusal(
      try checkpoint.graft("verify", "--reference", checkpoint.reference), 65, ["lm_head.weight"])
  }

  @Test func somethingThatOnlyBeginsLikeTheHeadIsRefused() throws {
    try checkpoint.editWeights { file in
      file["lm_head.weight_scale"] = .init("lm_head.weight_scale", [1], [1])
    }
    try checkpoint.expectRefused(65, "lm_head.weight_scale")
  }

  @Test func anUntiedModelNeedsItsHead() throws {
    try checkpoint.replace(#""tie_word_embeddings": true"#, #""tie_word_embeddings": false"#)
    try checkpoint.expectRefused(65, "lm_head.weight", "missing")
  }
}
