import Diagnostics
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The right to write an output, which ends with the process at the latest.
///
/// It is a lock on a file inside the directory of the unfinished output. One process has it alone, or
/// several that write parts share it.
final class OutputLock: Sendable {
  static let fileName = "lock"
  private let descriptor: FileDescriptor

  /// Makes the directory if need be and takes the lock.
  /// - Throws: `Problem` of kind `exists` where another process has it, or something else has the
  ///   name of the directory.
  init(in directory: FilePath, isShared: Bool, for destination: FilePath) throws {
    let path = directory.appending(Self.fileName)
    while true {
      if try !FileSystem.makeDirectory(directory) { try Self.refuseOthers(directory) }
      guard let descriptor = try Self.open(path) else { continue }
      guard flock(descriptor.rawValue, (isShared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0 else {
        try? descriptor.close()
        throw Problem(
          .exists, "another process is writing the output", file: destination.string,
          remedy: "wait until it has ended, or choose another path")
      }
      if Self.isFile(descriptor, at: path) {
        self.descriptor = descriptor
        return
      }
      // Its owner finished and removed it before the lock was taken.
      try? descriptor.close()
    }
  }

  deinit { try? descriptor.close() }

  /// - Returns: nil where the directory has just vanished.
  private static func open(_ path: FilePath) throws -> FileDescriptor? {
    do {
      return try FileDescriptor.open(
        path, .readWrite, options: .create, permissions: FilePermissions(rawValue: 0o666))
    } catch let error as Errno {
      if error == .noSuchFileOrDirectory { return nil }
      throw FileSystem.failure("the output cannot be created", path, error, as: .exists)
    }
  }

  private static func isFile(_ descriptor: FileDescriptor, at path: FilePath) -> Bool {
    var (mine, there) = (stat(), stat())
    return fstat(descriptor.rawValue, &mine) == 0 && stat(path.string, &there) == 0
      && mine.st_ino == there.st_ino && mine.st_dev == there.st_dev
  }

  /// Whether Graft gives that name to something in such a directory.
  private static func isOwn(_ name: String) -> Bool {
    [fileName, OutputDirectory.folder, OutputDirectory.oldFolder].contains(name)
      || name.hasPrefix(OutputDirectory.journal)
  }

  /// A directory of that name that Graft did not make is somebody's work.
  private static func refuseOthers(_ directory: FilePath) throws {
    let isOurs =
      FileKind(directory, followingLinks: false) == .absent
      || FileKind(directory, followingLinks: false) == .directory
        && ((try? DirectoryListing.names(directory)) ?? []).allSatisfy(isOwn)
    guard !isOurs else { return }
    throw Problem(
      .exists, "something else has the name of the unfinished output", file: directory.string,
      remedy: "move it away, or choose another path for the output")
  }
}
