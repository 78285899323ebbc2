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
  /// What the names of records begin with.
  public static let journal = "journal-"

  /// Who else has to do with the unfinished output.
  public enum Use: Sendable {
    /// Nobody: what is unfinished is removed when the process fails, or a signal ends it.
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
  private let lock: Mutex<OutputLock?>

  /// Takes the lock and makes the directories.
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
    place = try OutputPlace(destination, overwrite: overwrite, inputs: inputs, kind: .directory)
    unfinished = place.unfinished
    path = unfinished.appending(Self.folder)
    let (path, unfinished) = (path, unfinished)
    var lock: OutputLock?
    let take = {
      lock = try OutputLock(in: unfinished, isShared: use == .part, for: destination)
      _ = try FileSystem.makeDirectory(path)
      return true
    }
    _ = try use == .alone ? UnfinishedOutputs.begin(unfinished, take) : take()
    self.lock = Mutex(lock)
  }

  deinit { abort() }

  /// Where the output appears.
  public var destination: FilePath { place.destination }

  /// The path under which to create a file of the output.
  public func file(_ name: String) -> FilePath { path.appending(name) }

  /// The names of the finished files, and of those that somebody began.
  public func names() throws -> [String] { try DirectoryListing.names(path) }

  /// The path under which to keep a record of the unfinished output.
  public func record(_ name: String) -> FilePath { unfinished.appending(name) }

  /// The names of the records.
  public func records() throws -> [String] {
    try DirectoryListing.names(unfinished).filter { $0.hasPrefix(Self.journal) }
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
    try lock.withLock { lock in
      try FileSystem.synchronise(path)
      try UnfinishedOutputs.finish(unfinished) {
        for name in try records() { try Self.remove(record(name)) }
        if place.overwrite, FileKind(destination, followingLinks: false) != .absent {
          try FileSystem.replaceDirectory(destination, with: path)
        } else {
          try FileSystem.publish(path, as: destination)
        }
        try? removeUnfinished()
      }
      lock = nil
      try FileSystem.synchronise(place.parent)
    }
  }

  /// Ends writing and leaves what is there, if anything is, for those that come after.
  public func leave() {
    lock.withLock { lock in
      let isEmpty = (try? records().isEmpty && names().isEmpty) ?? false
      UnfinishedOutputs.finish(unfinished) {
        if lock != nil, isEmpty, use != .part { try? removeUnfinished() }
      }
      lock = nil
    }
  }

  /// Removes what has been written so far, but not what others wrote; does nothing after `commit()` or
  /// `leave()`.
  public func abort() {
    guard use == .alone else { return leave() }
    lock.withLock { lock in
      guard lock != nil else { return }
      UnfinishedOutputs.finish(unfinished) { try? removeUnfinished() }
      lock = nil
    }
  }

  /// Removes the lock last, so that nobody takes what is left for somebody else's directory.
  private func removeUnfinished() throws {
    for name in try DirectoryListing.names(unfinished) where name != OutputLock.fileName {
      try FileSystem.removeTree(unfinished.appending(name))
    }
    try FileSystem.removeTree(unfinished)
  }
}
