import Containers
import Packing

/// What was written.
public struct CheckpointReport: Sendable {
  /// How a run treats the output of one before.
  public enum Beginning: Hashable, Sendable {
    /// There was none.
    case new
    /// That many files were finished and are kept.
    case resumed(files: Int)
    /// It was another conversion, or none of its files was finished.
    case anew
  }

  /// How many values a cast changed, by stored name.
  public let changedValues: [(name: String, count: Int)]
  /// How far quantised weights are from what they were, by the stored name of their codes.
  public let rounding: [(name: String, error: RoundingError)]
  /// How files that did not change were copied, by file name.
  public let cloning: [String: FileCloning.Method]
  /// How the run began.
  public let beginning: Beginning

  /// The files that an interrupted run had finished.
  public var resumedFiles: Int { if case .resumed(let files) = beginning { files } else { 0 } }
}

extension CheckpointRun {
  /// What was written so far.
  var report: CheckpointReport {
    let tensors = plan.shards.flatMap { written[$0.fileName]?.tensors ?? [] }
    return CheckpointReport(
      changedValues: tensors.filter { $0.changed > 0 }.map { ($0.name, $0.changed) },
      rounding: tensors.compactMap { tensor in tensor.rounding.map { (tensor.name, $0) } },
      cloning: cloning, beginning: beginning)
  }
}
