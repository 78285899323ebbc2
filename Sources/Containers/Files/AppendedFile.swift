import Diagnostics
import Platform
import Synchronization
import SystemPackage

/// A file that grows by lines, which one process has alone.
public final class AppendedFile: Sendable {
  private let path: FilePath
  private let descriptor: FileDescriptor
  private let turn = Mutex(())

  /// Opens or creates a file and takes it for this process; what is in it stays.
  /// - Throws: `Problem` of kind `exists` where another process has it, `io` where there are no locks.
  public init(_ location: some FileLocation) throws {
    path = location.place.path
    descriptor = try Self.open(location.place)
    try FileLock.take(
      descriptor, of: path,
      held: Problem(
        .exists, "another process is writing this part", file: path.string,
        remedy: "wait until it has ended"))
  }

  deinit { try? descriptor.close() }

  /// Opens or creates a regular file that has no other name.
  static func open(_ place: FilePlace) throws -> FileDescriptor {
    let descriptor: FileDescriptor
    do {
      descriptor = try place.open(O_RDWR | O_CREAT | O_APPEND, mode: 0o666)
    } catch let error as Errno {
      throw FileSystem.failure("the output cannot be created", place.path, error, as: .exists)
    }
    guard try FileStatus(of: descriptor, place.path).oddity == nil else {
      try? descriptor.close()
      throw UnfinishedDirectory.foreign(place.path, "not a file of its own")
    }
    return descriptor
  }

  /// Empties the file and writes bytes into it.
  public func replace(_ bytes: [UInt8]) throws {
    do { try descriptor.resize(to: 0) } catch let error as Errno {
      throw FileSystem.failure("cannot write", path, error)
    }
    try append(bytes)
  }

  /// Appends bytes and waits until they are on the disk.
  public func append(_ bytes: [UInt8]) throws {
    try turn.withLock { _ in try Self.append(bytes, to: descriptor, path) }
  }

  /// Appends bytes to an open file and waits until they are on the disk.
  static func append(_ bytes: [UInt8], to descriptor: FileDescriptor, _ path: FilePath) throws {
    do { try descriptor.writeAll(bytes) } catch let error as Errno {
      throw FileSystem.failure("cannot write", path, error)
    }
    try FileSystem.synchronise(descriptor, path)
  }
}
