import Containers
import Layouts

/// How a plan is carried out.
public struct WriteOptions: Sendable {
  /// Which part of a plan this process carries out; several processes can share a plan.
  public enum Task: Hashable, Sendable {
    /// All of it.
    case everything
    /// Some of the weight files; they stay unfinished until all parts are there.
    case part(Share)
    /// Checks the parts and writes everything beside the weights.
    case finish
  }

  /// The layouts among which the output must be recognised as what it is.
  public var catalogue: LayoutCatalogue
  /// The version of the tool, which the record names.
  public var version: String
  /// What to do of the plan.
  public var task = Task.everything
  /// Whether a checkpoint that stands at the destination is replaced.
  public var overwrites = false
  /// Whether tensors are hashed and `graft.json` is written; of a plan in parts it always is, because
  /// hashes tell what they are.
  public var keepsRecord = true
  /// What was asked for, by names of the caller: a run that keeps a record and is asked for the same goes
  /// on with what an interrupted one left. Nil for one that is not resumed.
  public var request: [String: String]?
  /// How many tensors are written at a time; 0 stands for the active cores.
  public var threads = 0

  /// Writes everything anew, with a record, where nothing stands yet.
  public init(catalogue: LayoutCatalogue, version: String) {
    (self.catalogue, self.version) = (catalogue, version)
  }

  /// The weight files that are written.
  var share: Share { if case .part(let share) = task { share } else { .whole } }

  /// Whether tensors are hashed.
  var isHashed: Bool { keepsRecord || task != .everything }

  /// What the run is; nil for one that cannot be resumed.
  func identity(of plan: CheckpointPlan) throws -> RunIdentity? {
    guard isHashed, let request = request ?? (task == .everything ? nil : [:]) else { return nil }
    return try RunIdentity(plan, options: request, version: version)
  }

  /// Who else has to do with the unfinished output.
  var use: OutputDirectory.Use {
    switch task {
    case .everything: .alone
    case .part: .part
    case .finish: .collection
    }
  }
}
