import Canonical
import Diagnostics
import Runtime
import Splicing
import Verification

/// Which layers of a model cost least when they are replaced: each alone, silenced and quickly fitted.
public struct SpliceRanking: Sendable {
  /// What one layer is worth.
  public struct Row: Sendable {
    /// The index of the layer.
    public let layer: Int
    /// With the output projection of the layer set to zero.
    public let silenced: FunctionGap
    /// With the layer replaced and fitted for a few steps.
    public let fitted: FunctionGap
  }

  /// The layers that were chosen, in their order.
  public let chosen: [Int]
  /// All layers that can be replaced, the cheapest first.
  public let rows: [Row]

  /// The steps of the quick fits.
  public static let steps = 100

  /// Ranks every layer that can be replaced by the KL divergence that is left after the quick fit.
  /// - Parameters:
  ///   - job: the model whose layers are replaced, and the tokens on which the cost is measured.
  ///   - group: how a layer would be replaced.
  ///   - top: the number of layers to choose.
  /// - Throws: `Problem` of kind `usage` without tokens, or where fewer layers can be replaced than are
  ///   wanted; else as fitting and measuring.
  public init(_ job: SpliceJob, _ group: SpliceGroup, top: Int) throws {
    guard job.tokens != nil else {
      throw Problem(.usage, "--layer auto compares layers on tokens", remedy: "add --tokens FILE")
    }
    let layers = Splice.replaceable(in: job.source.configuration)
    guard (1...max(layers.count, 1)).contains(top), !layers.isEmpty else {
      throw Problem(
        .usage, "so many layers cannot be chosen", expected: "1 to \(layers.count)",
        found: "\(top)",
        remedy: "choose --top within the number of layers that can be replaced")
    }
    rows = try layers.map { try Self.row($0, job, group) }
      .sorted { ($0.fitted.logits.meanKL, $0.layer) < ($1.fitted.logits.meanKL, $1.layer) }
    chosen = rows.prefix(top).map(\.layer).sorted()
  }

  private static func row(_ layer: Int, _ job: SpliceJob, _ group: SpliceGroup) throws -> Row {
    var (job, one) = (job, group)
    (one.layers, one.initialisation, one.steps) = ([layer], .calibrate, steps)
    job.groups = [one]
    job.fewTokensRemedy = "give more tokens, or name the layers with --layer N"
    let (original, batch) = (try job.original(), try job.measured().batch)
    func gap(_ model: CanonicalModel) throws -> FunctionGap {
      try job.observer.measuring(layer: layer, positions: batch.positions) {
        try FunctionGap(
          .init(to: Model(model), from: original, layer: layer), batch, threads: job.threads,
          progress: $0)
      }
    }
    return Row(
      layer: layer, silenced: try gap(silenced(job.source, layer)),
      fitted: try gap(job.replaced().model))
  }

  private static func silenced(_ model: CanonicalModel, _ layer: Int) throws -> CanonicalModel {
    guard let output = model.configuration.layers[layer].mixer.output else { return model }
    let role = Role(output, layer: layer)
    let shape = try model.tensor(role).shape
    var silent = model
    silent.tensors[role] = CanonicalTensor(
      shape: shape, values: Array(repeating: 0, count: shape.reduce(1, *)), origin: "zero")
    return silent
  }
}
