import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// FP8 weights of `quant_method: fp8` whose activations have stored scales.
@Suite struct StaticActivationTests {
  private static let fixture = "huggingface/qwen3_5/fp8-short-blocks"

  /// A checkpoint with a scale of activations beside each weight that has scales.
  private static func checkpoint() throws -> EditableCheckpoint {
    let checkpoint = try EditableCheckpoint(fixture)
    try checkpoint.replace("\"dynamic\"", "\"static\"")
    try checkpoint.editWeights { file in
      let end = ".weight_scale_inv"
      file.tensors += file.tensors.filter { $0.name.hasSuffix(end) }
        .map { .init($0.name.dropLast(end.count) + ".input_scale", [], [0.5]) }
    }
    return checkpoint
  }

  @Test func activationsStayPlainAndThatIsSaid() throws {
    let checkpoint = try Self.checkpoint()
    let inspected = try checkpoint.graft("inspect")
    #expect(inspected.output.contains("of activations, which stay plain here"), "\(inspected)")
    let verified = try checkpoint.graft("verify", Fixtures.path(Self.fixture).string)
    expectSuccess(verified)
    #expect(verified.output.contains("activations stay plain"), "\(verified)")
  }

  @Test func scalesGoWithTheirWeights() throws {
    let checkpoint = try Self.checkpoint()
    let (kept, plain) = (checkpoint.beside("kept"), checkpoint.beside("plain"))
    expectSuccess(try checkpoint.graft("convert", kept.string, "--max-shard-size", "100KB"))
    try expectSameTensors(checkpoint.path, kept)
    expectSuccess(try checkpoint.graft("convert", plain.string, "--dtype", "f32"))
    let names = try EditableCheckpoint.tensors(of: plain).keys
    #expect(!names.contains { $0.hasSuffix("input_scale") }, "\(names)")
    expectSuccess(try GraftCommand.run("verify", plain.string, checkpoint.path.string))
  }
}
