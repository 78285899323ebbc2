import GraftTestSupport
import JSON
import SystemPackage
import Testing

/// What an audit sees in plain tensors it sees in packed ones.
@Suite struct PackedAuditTests {
  private static let module = "model.layers.0.mlp.down_proj"

  private static func twin(_ form: PackedTwin.Form) throws -> EditableCheckpoint {
    let source = try EditableCheckpoint("huggingface/qwen3_5/text-bf16")
    guard form == .mlx else { return try PackedTwin(source.path, as: form).packed }
    let mlx = source.beside("mlx")
    expectSuccess(try source.graft("convert", mlx.string, "--to", "mlx-qwen3_5", "--no-manifest"))
    return try PackedTwin(mlx, as: form).packed
  }

  /// The findings that are errors, `kind text`, after a change of one part of a weight.
  private func errors(
    _ form: PackedTwin.Form, _ part: String, _ change: (inout PlainCheckpointFile.Tensor) -> Void
  ) throws -> [String] {
    let checkpoint = try Self.twin(form)
    try checkpoint.editWeights { file in
      let index = file.tensors.firstIndex { $0.name.hasSuffix("\(Self.module).\(part)") }
      change(&file.tensors[try #require(index)])
    }
    let audit = try checkpoint.graft("inspect", "--audit", "--json").json()["audit"]
    return (audit?["findings"]?.array ?? []).filter { $0["severity"]?.string == "error" }
      .map { "\($0["kind"]?.string ?? "") \($0["text"]?.string ?? "")" }
  }

  /// Forms with the ends of the names of their scales and codes.
  private static let forms: [(PackedTwin.Form, scale: String, codes: String)] = [
    (.mlx, "scales", "weight"), (.compressedTensors, "weight_scale", "weight"),
    (.modelOpt, "weight_scale", "weight"),
  ]

  @Test(arguments: forms.indices, [0, Float.nan, .infinity])
  func aScaleThatIsNoneIsNamed(_ index: Int, value: Float) throws {
    let (form, scale, _) = Self.forms[index]
    let found = try errors(form, scale) { tensor in
      var values = tensor.floats
      values[0] = value
      tensor = .init(tensor.name, tensor.shape, values)
    }
    let word = value == 0 ? "zero beside codes that are not" : value.isNaN ? "NaN" : "infinite"
    #expect(found.contains { $0.hasPrefix("scale") && $0.contains(word) }, "\(found)")
  }

  /// Codes of a file that was not filled stand for zeros where codes are signed, else for other values.
  @Test(arguments: forms.indices) func codesThatWereLostAreNamed(_ index: Int) throws {
    let (form, _, codes) = Self.forms[index]
    let found = try errors(form, codes) { tensor in
      let half = tensor.bytes.count / 2
      tensor.bytes.replaceSubrange(
        half..., with: repeatElement(0, count: tensor.bytes.count - half))
    }
    #expect(found.contains { $0.hasPrefix("zero_tail") }, "\(found)")
  }

  @Test func decayRatesOfOneLayerAreNamed() throws {
    let checkpoint = try Self.twin(.compressedTensors)
    try checkpoint.editWeights { file in
      for index in file.tensors.indices where file.tensors[index].name.hasSuffix("A_log") {
        let tensor = file.tensors[index]
        let isOdd = tensor.name.contains("layers.1.")
        file.tensors[index] = .init(
          tensor.name, tensor.shape, tensor.floats.indices.map { isOdd ? -8 : Float($0) })
      }
    }
    let result = try checkpoint.graft("inspect", "--audit")
    #expect(result.exitCode == 1)
    #expect(result.output.contains("look like -exp(A_log) here alone"), "\(result)")
    #expect(result.output.contains("layers.1.linear_attn.A_log"), "\(result)")
  }
}
