import ArgumentParser
import Diagnostics
import JSON
import Opening
import Reports
import Verification

/// `graft score`: how well a model predicts tokens.
struct ScoreCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "score",
    abstract: "Give negative log-likelihood, perplexity and accuracy on a text or token ids.",
    discussion: """
      Without labels each token is predicted from those before it; labels of the token file are \
      predicted at their own position.

      Example: graft score fixtures/trained/pytiny --tokens fixtures/trained/python-source.val.bin --bytes \
      --limit 1028 --block 257
      """)

  @Argument(help: "A checkpoint directory or a weight file.", completion: .file())
  var path: String
  @Option(help: "Use only the first tokens of each sequence.")
  var limit: Int?
  @Option(help: "Cut the tokens into blocks of this length, each scored on its own.")
  var block: Int?
  @OptionGroup var tokens: RequiredTokenOptions
  @OptionGroup var source: SourceOptions
  @OptionGroup var common: CommonOptions

  func checkOptions() throws {
    guard limit ?? 2 > 1, block ?? 2 > 1 else {
      throw ValidationError("--limit and --block take at least 2 tokens.")
    }
  }

  func perform() throws -> Outcome {
    let model = try OpenedModel(path, source, in: common.catalogue())
    // The tokens, as many and in such pieces as asked for.
    var batch = try tokens.batch(for: model)
    if let limit { batch = batch.limited(to: limit) }
    if let block { batch = try batch.blocks(of: block) }
    let score = try locating(.file(path)) {
      try model.requireHead()
      let runnable = try model.runnable()
      return try common.watched("scoring", total: batch.positions, of: .positions) {
        try Score.measured(runnable, batch, threads: common.threads, progress: $0)
      }
    }
    return Outcome(
      json: [
        "sequences": JSONValue(batch.rows.count),
        "predictions": JSONValue(score.predictions),
        "labelled": .bool(batch.labels != nil),
        "nll": JSONValue(score.nll),
        "perplexity": JSONValue(score.perplexity),
        "accuracy": JSONValue(score.accuracy),
      ],
      text: [
        "\(path): \(Quantity.count(score.predictions)) predictions in \(Quantity.of(batch.rows.count, "sequence"))",
        "  nll         \(Quantity.significant(score.nll, 7)) nats per token",
        "  perplexity  \(Quantity.significant(score.perplexity, 5))",
        "  \(batch.labels == nil ? "top-1     " : "accuracy  ")  \(Quantity.significant(score.accuracy, 5))",
      ])
  }
}
