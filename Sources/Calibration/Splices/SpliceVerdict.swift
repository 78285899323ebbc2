import Splicing

/// What a function gap means to someone who reads it for the first time.
public struct SpliceVerdict: Sendable {
  /// The mean KL divergence of the spliced model, in nats.
  public let meanKL: Double
  /// The largest relative error among the replaced layers' outputs.
  public let error: Double
  /// The mean KL divergence that the chosen layers leave after a quick fit, each alone; nil without a ranking.
  public let fitted: Double?
  /// Whether every new layer was fitted to what it replaces.
  public let isFitted: Bool

  /// The verdict of a finished splice; nil where nothing was measured.
  public init?(_ gap: SpliceGap, of job: SpliceJob, _ ranking: SpliceRanking?) {
    guard let last = gap.stages.last else { return nil }
    meanKL = last.gap.logits.meanKL
    error = gap.stages.map(\.gap.mixer.value).max() ?? 0
    fitted = ranking.flatMap { ranking in
      ranking.rows.filter { ranking.chosen.contains($0.layer) }.map(\.fitted.logits.meanKL).max()
    }
    isFitted = job.groups.allSatisfy { $0.initialisation == .calibrate }
  }

  /// Whether a layer that writes nothing would be as near to the one it replaces.
  public var isWorseThanSilence: Bool { !(error < 1) }
}
