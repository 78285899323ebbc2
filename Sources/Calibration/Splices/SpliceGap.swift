import Canonical
import Diagnostics
import Runtime
import Verification

/// What the replacement of layers costs, after each of them.
public struct SpliceGap: Sendable {
  /// One layer and what it and those before it cost together.
  public struct Stage: Sendable {
    /// The layer that was replaced last.
    public let layer: Int
    /// What the replacements cost up to here.
    public let gap: FunctionGap
  }

  /// The tokens it was measured on, in words.
  public let origin: String
  /// The layers in the order in which they were replaced.
  public let stages: [Stage]

  /// Measures the written model and, where several layers were replaced, each model on the way to it.
  /// - Throws: `Problem` where the models cannot be run.
  /// - Cost: runs both models over all tokens once for each layer.
  public init(_ job: SpliceJob, edited: CanonicalModel, written: Model) throws {
    let (batch, origin) = try job.measured()
    let original = try job.original()
    self.origin = origin
    var model = job.source
    let total = job.layers.count * batch.positions
    stages = try job.observer.measuring(layer: nil, positions: total) { advance in
      try job.layers.enumerated().map { index, layer in
        model.take(layer, from: edited)
        let isLast = index == job.layers.count - 1
        let changed = isLast ? written : try Model(model)
        let gap = try FunctionGap(
          .init(to: changed, from: original, layer: layer), batch, threads: job.threads,
          progress: advance)
        return Stage(layer: layer, gap: gap)
      }
    }
  }
}

extension CanonicalModel {
  /// Takes the mixer of a layer from another model.
  fileprivate mutating func take(_ layer: Int, from other: CanonicalModel) {
    configuration.layers[layer].mixer = other.configuration.layers[layer].mixer
    for role in tensors.keys where role.layer == layer { tensors[role] = nil }
    for (role, tensor) in other.tensors where role.layer == layer { tensors[role] = tensor }
  }
}
