import Diagnostics
import Synchronization
import SystemPackage

/// A directory that appears under its name complete or not at all.
///
/// Until `commit()` everything lies beside it in `<name>.graft-partial/`, an `UnfinishedDirectory`,
/// whose lock one process holds or the writers of parts share. A process that is killed leaves that
/// directory; the next one finds it.
public final class OutputDirectory: Sendable {
  /// What the names of records begin with.
  public static let journal = UnfinishedDirectory.journal

  /// Who else has to do with the unfinished output.
  public enum Use: Sendable {
    /// Nobody. When the process fails, or a signal ends it, the unfinished files are removed; those that
    /// an earlier run left only after `own()` was called.
    case alone
    /// Others may write other parts at the same time.
    case part
    /// Others have written all parts.
    case collection
  }

  /// What may be replaced where the output will be.
  struct Permission {
    let overwrite: Bool
    let inputs: [FilePath]
    let marks: CheckpointMarks
  }

  /// The directory in which to write until `commit()`.
  public var path: FilePath { folder.path }
  /// The directory of everything unfinished.
  public var unfinished: FilePath { held.directory.path }
  /// Where the output appears.
  public var destination: FilePath { place.destination }
  let place: OutputPlace
  let permission: Permission
  let held: UnfinishedDirectory
  /// The directory of the files; that which appears, or one inside it.
  let folder: HeldDirectory
  /// The directory that appears.
  let root: HeldDirectory
  private let use: Use
  private let state: Mutex<State>

  private struct State {
    /// Whether the output has not appeared yet and was not given up.
    var isOpen = true
    /// Whether everything unfinished belongs to this run.
    var isOwn: Bool
  }

  /// Takes the lock and makes the directories.
  ///
  /// If the destination exists, this also removes the leftovers of a process that was killed after its
  /// output had appeared.
  /// - Parameters:
  ///   - destination: where the output appears; its parent must exist.
  ///   - overwrite: whether an existing directory is replaced, if it is a checkpoint and nothing else.
  ///   - inputs: what is being read; refused where replacing the destination would remove it.
  ///   - marks: recognises files of a checkpoint that their names alone do not show.
  ///   - inside: a directory of the output in which all files lie but those of `beside(_:)`.
  ///   - use: who else has to do with it.
  /// - Throws: `Problem` of kind `exists` where the destination exists or cannot be created, or
  ///   another process is writing it.
  public init(
    at destination: FilePath, overwrite: Bool = false, inputs: [FilePath] = [],
    marks: CheckpointMarks = .none, inside: String? = nil, use: Use = .alone
  ) throws {
    let place = try OutputPlace(destination)
    let permission = Permission(overwrite: overwrite, inputs: inputs, marks: marks)
    if use != .part { try Self.restore(place) }
    do {
      _ = try Self.replaced(place, permission)
    } catch {
      try? Self.removeRemains(of: place)
      throw error
    }
    let (held, root, isOwn) = try UnfinishedOutputs.begin(place.unfinished.path) {
      let held = try UnfinishedDirectory(of: place, isShared: use == .part)
      let isNew = try !held.hasFolder && held.records().isEmpty
      let isOwn = use == .alone && isNew
      return ((held, try held.folder(), isOwn), isOwn ? Self.removal(of: held) : nil)
    }
    (self.place, self.permission, self.use) = (place, permission, use)
    (self.held, self.root) = (held, root)
    folder = try inside.map { try held.folder($0, in: root) } ?? root
    state = Mutex(State(isOwn: isOwn))
  }

  deinit { abort() }

  private static func removal(of held: UnfinishedDirectory) -> UnfinishedOutputs.Removal {
    { (try? held.removeAll()) != nil }
  }

  /// From now on everything unfinished belongs to this run, also what was there before, unless others
  /// may write, too.
  public func own() {
    guard use == .alone else { return }
    state.withLock { state in
      guard state.isOpen else { return }
      state.isOwn = true
      UnfinishedOutputs.begin(unfinished) { ((), Self.removal(of: held)) }
    }
  }

  /// Makes the output appear under its name. Every file must be on the disk already.
  /// - Throws: `Problem` of kind `exists` where the destination has appeared meanwhile, or holds
  ///   something else than a checkpoint, or `io`; the destination is then as it was.
  public func commit() throws {
    try state.withLock { state in
      try folder.synchronise()
      try root.synchronise()
      try UnfinishedOutputs.finish(unfinished) {
        try held.checkFiles()
        let mode = try held.usualMode()
        for folder in [folder, root] { folder.setPermissions(mode) }
        try appear()
        try? held.removeAll()
      }
      state.isOpen = false
      held.release()
      try place.parent.synchronise()
    }
  }

  /// Ends writing and keeps the unfinished files for the runs that go on with them.
  public func leave() { end(removing: use != .part && isEmpty) }

  /// Removes what has been written so far, but not what others wrote; does nothing after `commit()` or
  /// `leave()`.
  public func abort() {
    end(removing: state.withLock { $0.isOwn } || use != .part && isEmpty)
  }

  private func end(removing: Bool) {
    state.withLock { state in
      guard state.isOpen else { return }
      UnfinishedOutputs.finish(unfinished) { if removing { try? held.removeAll() } }
      state.isOpen = false
      held.release()
    }
  }

  private var isEmpty: Bool { (try? records().isEmpty && names().isEmpty) ?? false }
}
