import Diagnostics
import Platform
import SystemPackage

/// The right to write an output, which ends with the process at the latest.
///
/// It is a lock on a file inside the directory of the unfinished output. One process has it alone, or
/// several that write parts share it.
final class OutputLock: Sendable {
  static let fileName: FilePath.Component = "lock"
  private let descriptor: FileDescriptor

  /// Takes the lock in a directory.
  /// - Returns: nil where the directory has just been removed, or its lock by an owner who finished.
  /// - Throws: `Problem` of kind `exists` where another process has it, `io` where there are no locks.
  init?(in directory: HeldDirectory, isShared: Bool, for destination: FilePath) throws {
    let place = directory.place(Self.fileName)
    guard let descriptor = try Self.open(place) else { return nil }
    try FileLock.take(
      descriptor, isShared: isShared, of: destination,
      held: Problem(
        .exists, "another process is writing the output", file: destination.string,
        remedy: "wait until it has ended, or choose another path"))
    guard try FileStatus(of: descriptor, place.path).identity == place.status()?.identity else {
      try? descriptor.close()
      return nil
    }
    self.descriptor = descriptor
  }

  deinit { try? descriptor.close() }

  private static func open(_ place: FilePlace) throws -> FileDescriptor? {
    do {
      return try place.open(O_RDWR | O_CREAT, mode: 0o600)
    } catch let error as Errno {
      if error == .noSuchFileOrDirectory { return nil }
      throw FileSystem.failure("the output cannot be created", place.path, error, as: .exists)
    }
  }
}
