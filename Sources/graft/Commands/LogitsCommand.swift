import ArgumentParser
import Diagnostics
import JSON
import Opening
import SystemPackage
import Verification

/// `graft logits`: writes what a model computes as a reference file.
struct LogitsCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "logits",
    abstract: "Write input_ids, logits and hidden states in the reference format.",
    discussion: """
      The file is a reference for graft verify: input_ids I64 [B, T], logits F32 [B, T, vocabulary] and \
      with --hidden the residual stream after the embedding and after each layer. Of a model without a \
      language head it holds last_hidden_state in place of logits.

      Example: graft logits fixtures/trained/pytiny --tokens fixtures/trained/pytiny/reference.safetensors \
      --output logits.safetensors
      """)

  @Argument(help: "A checkpoint directory or a weight file.", completion: .file())
  var path: String
  @Option(help: "The safetensors file to write.", completion: .file()) var output: String
  @Flag(help: "Write hidden.0 to hidden.L as well.") var hidden = false
  @Flag(help: "Replace a reference file that exists.") var overwrite = false
  @OptionGroup var tokens: RequiredTokenOptions
  @OptionGroup var source: SourceOptions
  @OptionGroup var common: CommonOptions

  func perform() throws -> Outcome {
    let model = try OpenedModel(path, source, in: common.catalogue())
    let hasHead = model.configuration.head != .none
    let batch = try tokens.batch(for: model)
    try RecordedLogits.check(FilePath(output), overwrite: overwrite)
    let recorded = try locating(.file(path)) {
      let runnable = try model.runnable()
      return try common.watched("computing", total: batch.positions, of: .positions) {
        try RecordedLogits(
          runnable, batch, hidden: hidden, threads: common.threads, progress: $0)
      }
    }
    try recorded.write(to: FilePath(output), overwrite: overwrite)
    return Outcome(
      json: ["output": .string(output), "positions": JSONValue(batch.positions)],
      text: [
        "\(output): \(hasHead ? "logits" : "final hidden states") of \(batch.positions) positions"
      ])
  }
}
