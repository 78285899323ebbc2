import Foundation
import GraftTestSupport
import JSON
import Testing

/// Reference files that do not fit the model, or are none.
@Suite struct BadReferenceTests {
  private let checkpoint: EditableCheckpoint

  init() throws { checkpoint = try EditableCheckpoint("options/gdn-small") }

  private func refuse(
    _ exitCode: Int32, _ mentions: String..., sourceLocation: SourceLocation = #_sourceLocation,
    _ body: (inout PlainCheckpointFile) throws -> Void
  ) throws {
    try checkpoint.editWeights("reference.safetensors", body)
    let result = try checkpoint.graft("verify", "--reference", checkpoint.reference)
    expectRefusal(
      result, exitCode, [checkpoint.reference] + mentions, sourceLocation: sourceLocation)
  }

  @Test func missingTensors() throws {
    try refuse(65, "logits", "input_ids") { $0["logits"] = nil }
    try refuse(65, "logits", "input_ids") { $0["input_ids"] = nil }
  }

  @Test func noTensorsAtAll() throws {
    try refuse(65, "logits", "input_ids") { $0.tensors = [] }
  }

  /// Logits of fewer tokens, or of more, are compared on those that both have.
  @Test(arguments: [48, 128])
  func logitsOfAnotherVocabulary(_ width: Int) throws {
    try checkpoint.editWeights("reference.safetensors") { file in
      let logits = try #require(file["logits"])
      let (values, own) = (logits.floats, logits.shape[2])
      file["logits"]?.shape[2] = width
      file["logits"]?.floats = (0..<values.count / own).flatMap { row in
        (0..<width).map { $0 < own ? values[row * own + $0] : 100 }
      }
    }
    let result = try checkpoint.graft("verify", "--reference", checkpoint.reference)
    expectSuccess(result)
    #expect(result.output.contains("compared on the \(min(width, 96)) tokens"), "\(result)")
  }

  @Test func logitsOfAnotherLength() throws {
    try refuse(65, "logits") { file in
      let ids = file["input_ids"]?.bytes.prefix(16) ?? []
      file["input_ids"] = .init("input_ids", "I64", [1, 2], Array(ids))
    }
  }

  @Test func logitsOfAnotherType() throws {
    try refuse(65, "logits", "F32", "BF16") { file in
      file["logits"]?.type = "BF16"
      file["logits"]?.shape[2] *= 2
    }
  }

  @Test func logitsWithoutAVocabularyAxis() throws {
    try refuse(65, "logits") { file in
      let shape = file["logits"]?.shape ?? []
      file["logits"]?.shape = [shape[0], shape[1] * shape[2]]
    }
  }

  @Test(arguments: ["hidden.0", "hidden.1", "hidden.2"])
  func hiddenStatesOfAnotherWidth(_ name: String) throws {
    try refuse(65, "hidden") { file in
      let half = (file[name]?.bytes.count ?? 0) / 2
      file[name]?.shape[2] = 16
      file[name]?.bytes.removeLast(half)
    }
  }

  @Test(arguments: ["hidden.0", "hidden.1"])
  func hiddenStatesOfAnotherType(_ name: String) throws {
    try refuse(65, name) { file in
      file[name]?.type = "F16"
      file[name]?.shape[2] *= 2
    }
  }

  @Test func moreHiddenStatesThanLayers() throws {
    try refuse(65, "hidden") { file in
      file["hidden.3"] = file["hidden.0"].map { .init("hidden.3", $0.type, $0.shape, $0.bytes) }
    }
  }

  @Test func tokensOutsideTheVocabulary() throws {
    try refuse(65, "0 to 95") { file in
      for index in 0..<8 { file["input_ids"]?.bytes[index] = 0xff }
    }
    try refuse(65, "0 to 95", "96") { file in
      for index in 0..<8 { file["input_ids"]?.bytes[index] = index == 0 ? 96 : 0 }
    }
  }

  @Test func idsOfAnotherType() throws {
    try refuse(65, "input_ids", "F32") { file in
      let shape = file["input_ids"]?.shape ?? []
      file["input_ids"] = .init("input_ids", shape, .init(repeating: 1, count: shape.reduce(1, *)))
    }
  }

  @Test func emptyPrompts() throws {
    try refuse(65) { file in
      file.tensors = [
        .init("input_ids", "I64", [0, 4], []), .init("logits", "F32", [0, 4, 96], []),
      ]
    }
    try refuse(65) { file in
      file.tensors = [
        .init("input_ids", "I64", [4, 0], []), .init("logits", "F32", [4, 0, 96], []),
      ]
    }
  }

  @Test func aReferenceWithoutHiddenStatesNamesNoLayer() throws {
    try checkpoint.editWeights("reference.safetensors") { file in
      for index in 0...2 { file["hidden.\(index)"] = nil }
      file["logits"]?.floats[0] += 1
    }
    let result = try checkpoint.graft("verify", "--reference", checkpoint.reference, "--json")
    #expect(result.exitCode == 1, "\(result)")
    let report = try result.json()
    #expect(report["first_divergent_layer"] == .null && report["layers"] == [])
  }

  @Test func theReferenceOfAnotherModel() throws {
    let other = Fixtures.path("options/gdn-heads/reference.safetensors").string
    let result = try checkpoint.graft("verify", "--reference", other)
    #expect([1, 65].contains(result.exitCode), "\(result)")
  }

  @Test func filesThatAreNone() throws {
    let paths: [(String, Int32)] = [
      (checkpoint.beside("nowhere.safetensors").string, 66), (checkpoint.path.string, 65),
      ("/dev/null", 65), (checkpoint.path.appending("config.json").string, 65),
    ]
    for (path, code) in paths {
      expectRefusal(try checkpoint.graft("verify", "--reference", path), code, [path])
    }
    let pipe = checkpoint.beside("pipe.safetensors")
    #expect(mkfifo(pipe.string, 0o600) == 0)
    expectRefusal(
      try checkpoint.graft("verify", "--reference", pipe.string), 65, [pipe.string])
  }

  @Test func modelsOfDifferentVocabularies() throws {
    let result = try checkpoint.graft("verify", Fixtures.path("lm-engine/gdn-hybrid").string)
    #expect(result.exitCode == 1 && result.output.contains("on the 96 tokens"), "\(result)")
  }

  @Test func recordedLogitsAreAReference() throws {
    let tokens = try checkpoint.folder.write("t.json", "[[1, 2, 3], [4, 5, 6]]".utf8)
    let output = checkpoint.beside("recorded.safetensors").string
    let arguments = ["--tokens", tokens.string, "--output", output]
    let record = try GraftCommand.run(["logits", checkpoint.path.string, "--hidden"] + arguments)
    expectSuccess(record)
    let result = try checkpoint.graft("verify", "--reference", output, "--gate", "0", "--json")
    #expect(try result.json()["layers"]?.array?.count == 2)
    #expect(try result.json()["positions"] == 6)
    expectRefusal(
      try GraftCommand.run(["logits", checkpoint.path.string] + arguments), 73, [output])
  }
}
