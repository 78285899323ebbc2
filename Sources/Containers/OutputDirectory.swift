import Diagnostics
import Synchronization
import SystemPackage

/// A directory that appears under its name complete or not at all.
///
/// Until `commit()` everything lies beside it in `<name>.graft-partial/`: a lock, which one process
/// holds or the writers of parts share, journals of what is finished, and the files themselves in
/// `out/`. A process that is killed leaves that directory; the next one finds it.
public final class OutputDirectory: Sendable {
  static let folder = "out"
  /// Where an old output waits that is replaced, on systems that cannot exchange two names.
  static let oldFolder = folder + "-old"
  /// What the names of records begin with.
  public static let journal = "journal-"

  /// Who else has to do with the unfinished output.
  public enum Use: Sendable {
    /// Nobody: what is unfinished is removed when the process fails, or a signal ends it, but what
    /// was there before only once this run said that it is its own.
    case alone
    /// Others may write other parts at the same time.
    case part
    /// Others have written all parts.
    case collection
  }

  /// The directory in which to write until `commit()`.
  public let path: FilePath
  /// The directory of everything unfinished.
  public let unfinished: FilePath
  private let place: OutputPlace
  private let use: Use
  private let state: Mutex<State>

  private struct State {
    var lock: OutputLock?
    /// Whether everything unfinished belongs to this run.
    var isOwn = false
  }

  /// Takes the lock and makes the directories.
  ///
  /// Where the destination exists, what a process left that was killed after its output had appeared
  /// is removed.
  /// - Parameters:
  ///   - destination: where the output appears; its parent must exist.
  ///   - overwrite: whether an existing directory is replaced.
  ///   - inputs: what is being read; refused where replacing the destination would remove it.
  ///   - use: who else has to do with it.
  /// - Throws: `Problem` of kind `exists` where the destination exists or cannot be created, or
  ///   another process is writing it.
  public init(
    at destination: FilePath, overwrite: Bool = false, inputs: [FilePath] = [],
    use: Use = .alone
  ) throws {
    self.use = use
    do {
      place = try OutputPlace(destination, overwrite: overwrite, inputs: inputs, kind: .directory)
    } catch {
      Self.removeRemains(of: destination)
      throw error
    }
    unfinished = place.unfinished
    path = unfinished.appending(Self.folder)
    let (path, unfinished) = (path, unfinished)
    var state = State()
    let take = {
      state.lock = try OutputLock(in: unfinished, isShared: use == .part, for: destination)
      let isNew = try FileSystem.makeDirectory(path) && Self.records(unfinished).isEmpty
      state.isOwn = use == .alone && isNew
      return state.isOwn
    }
    _ = try UnfinishedOutputs.begin(unfinished, take)
    self.state = Mutex(state)
  }

  deinit { abort() }

  /// Where the output appears.
  public var destination: FilePath { place.destination }

  /// From now on everything unfinished belongs to this run, also what was there before, unless others
  /// may write, too.
  public func own() {
    guard use == .alone else { return }
    state.withLock { state in
      state.isOwn = UnfinishedOutputs.begin(unfinished) { state.lock != nil }
    }
  }

  /// The path under which to create a file of the output.
  public func file(_ name: String) -> FilePath { path.appending(name) }

  /// The names of the finished files, and of those that somebody began.
  public func names() throws -> [String] { try DirectoryListing.names(path) }

  /// The path under which to keep a record of the unfinished output.
  public func record(_ name: String) -> FilePath { unfinished.appending(name) }

  /// The names of the records.
  public func records() throws -> [String] { try Self.records(unfinished) }

  private static func records(_ unfinished: FilePath) throws -> [String] {
    try DirectoryListing.names(unfinished).filter { $0.hasPrefix(journal) }
  }

  /// Removes a file of the output, if there is one.
  public func remove(_ name: String) throws { try Self.remove(file(name)) }

  /// Removes all files and records that somebody left.
  public func clear() throws {
    for name in try records() { try Self.remove(record(name)) }
    for name in try names() { try Self.remove(file(name)) }
  }

  private static func remove(_ path: FilePath) throws {
    if FileKind(path, followingLinks: false) != .absent { try FileSystem.removeTree(path) }
  }

  /// Makes the output appear. Every file must be on the disk already.
  /// - Throws: `Problem` of kind `exists` where the destination has appeared meanwhile, or `io`; the
  ///   destination is then as it was.
  public func commit() throws {
    try state.withLock { state in
      try FileSystem.synchronise(path)
      try UnfinishedOutputs.finish(unfinished) {
        for name in try records() { try Self.remove(record(name)) }
        if place.overwrite, FileKind(destination, followingLinks: false) != .absent {
          try FileSystem.replaceDirectory(
            destination, with: path, aside: unfinished.appending(Self.oldFolder))
        } else {
          try FileSystem.publish(path, as: destination)
        }
        try? Self.removeAll(unfinished)
      }
      state.lock = nil
      try FileSystem.synchronise(place.parent)
    }
  }

  /// Ends writing and leaves what is there, if anything is, for those that come after.
  public func leave() {
    state.withLock { state in
      let isEmpty = (try? records().isEmpty && names().isEmpty) ?? false
      UnfinishedOutputs.finish(unfinished) {
        if state.lock != nil, isEmpty, use != .part { try? Self.removeAll(unfinished) }
      }
      state.lock = nil
    }
  }

  /// Removes what has been written so far, but not what others wrote; does nothing after `commit()` or
  /// `leave()`.
  public func abort() {
    guard state.withLock({ $0.isOwn }) else { return leave() }
    state.withLock { state in
      guard state.lock != nil else { return }
      UnfinishedOutputs.finish(unfinished) { try? Self.removeAll(unfinished) }
      state.lock = nil
    }
  }
}

extension OutputDirectory {
  /// Removes the lock last, so that nobody takes what is left for somebody else's directory.
  private static func removeAll(_ unfinished: FilePath) throws {
    for name in try DirectoryListing.names(unfinished) where name != OutputLock.fileName {
      try FileSystem.removeTree(unfinished.appending(name))
    }
    try FileSystem.removeTree(unfinished)
  }

  /// Removes what nobody writes any more and no run would go on with.
  private static func removeRemains(of destination: FilePath) {
    let unfinished = OutputPlace.unfinished(of: destination)
    guard FileKind(destination, followingLinks: false) != .absent,
      FileKind(unfinished, followingLinks: false) == .directory,
      let lock = try? OutputLock(in: unfinished, isShared: false, for: destination)
    else { return }
    withExtendedLifetime(lock) {
      if (try? records(unfinished))?.isEmpty == true { try? removeAll(unfinished) }
    }
  }
}
