import Diagnostics
import Synchronization
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A file that grows by lines, which one process has alone.
public final class AppendedFile: Sendable {
  private let path: FilePath
  private let descriptor: FileDescriptor
  private let turn = Mutex(())

  /// Opens or creates a file and takes it for this process.
  /// - Throws: `Problem` of kind `exists` where another process has it.
  public init(_ path: FilePath) throws {
    self.path = path
    do {
      descriptor = try FileDescriptor.open(
        path, .readWrite, options: [.create, .append],
        permissions: FilePermissions(rawValue: 0o666))
    } catch let error as Errno {
      throw FileSystem.failure("the output cannot be created", path, error, as: .exists)
    }
    guard flock(descriptor.rawValue, LOCK_EX | LOCK_NB) == 0 else {
      try? descriptor.close()
      throw Problem(
        .exists, "another process is writing this part", file: path.string,
        remedy: "wait until it has ended")
    }
  }

  deinit { try? descriptor.close() }

  /// Empties the file and writes bytes into it.
  public func replace(_ bytes: [UInt8]) throws {
    do { try descriptor.resize(to: 0) } catch let error as Errno {
      throw FileSystem.failure("cannot write", path, error)
    }
    try append(bytes)
  }

  /// Appends bytes and waits until they are on the disk.
  public func append(_ bytes: [UInt8]) throws {
    try turn.withLock { _ in
      do {
        try descriptor.writeAll(bytes)
        try FileSystem.synchronise(descriptor, path)
      } catch let error as Errno {
        throw FileSystem.failure("cannot write", path, error)
      }
    }
  }
}
