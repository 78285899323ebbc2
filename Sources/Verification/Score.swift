import Diagnostics
import Runtime

/// How well a model predicts tokens.
public struct Score: Hashable, Sendable {
  /// The number of predicted tokens.
  public private(set) var predictions = 0
  /// The sum of negative log-likelihoods.
  /// - Units: nats.
  public private(set) var nllSum = 0.0
  /// The number of predictions whose largest logit was right.
  public private(set) var correct = 0

  /// A score of nothing yet.
  public init() {}

  /// The mean negative log-likelihood of a token.
  /// - Units: nats.
  public var nll: Double { predictions > 0 ? nllSum / Double(predictions) : .nan }
  /// The exponential of `nll`.
  public var perplexity: Double { nll.exponential }
  /// The share of predictions whose largest logit was right.
  public var accuracy: Double {
    predictions > 0 ? Double(correct) / Double(predictions) : .nan
  }

  /// Scores prompts: against labels where there are some, else each token against the ones before it.
  /// - Parameters:
  ///   - threads: 0 for all cores.
  ///   - progress: called with the positions that were run.
  /// - Throws: `Problem` where a prompt cannot be run or nothing is asked.
  public static func measured(
    _ model: Model, _ batch: TokenBatch, threads: Int, progress: (Int) -> Void = { _ in }
  ) throws -> Score {
    let workspace = try Workspace(model, threads: threads)
    let prompts = PromptBatch(model, batch.rows, workspace)
    let targets = batch.rows.indices.map(batch.targets)
    var score = Score()
    for segment in prompts.segments {
      for (part, rows) in zip(segment, try prompts.run(segment)) {
        for position in rows.positions {
          try score.add(rows[position], target: targets[part.prompt][position])
        }
        progress(rows.positions.count)
      }
    }
    guard score.predictions > 0 else {
      throw Problem(
        .invalid, "there is nothing to predict",
        expected: "prompts of at least two tokens, or labels",
        remedy: "give longer prompts, or labels that are not all negative")
    }
    return score
  }

  /// Adds the prediction of one position; a negative target asks nothing.
  mutating func add(_ logits: UnsafeBufferPointer<Float>, target: Int) throws {
    guard target >= 0 else { return }
    guard target < logits.count else {
      throw Problem(
        .invalid, "a label is outside the vocabulary", expected: "0 to \(logits.count - 1)",
        found: "\(target)")
    }
    predictions += 1
    nllSum += LogitComparison.logSumExp(logits) - Double(logits[target])
    if LogitComparison.argmax(logits) == target { correct += 1 }
  }
}
