import Diagnostics
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The calls of the operating system that change files, each failing with a `Problem`.
enum FileSystem {
  /// The problem that a call has just failed, told apart by `errno`.
  static func failure(_ what: String, _ path: FilePath, as kind: Problem.Kind = .io) -> Problem {
    failure(what, path, Errno(rawValue: errno), as: kind)
  }

  /// The problem that a call failed; a full disk is an I/O error whatever was tried.
  static func failure(
    _ what: String, _ path: FilePath, _ error: Errno, as kind: Problem.Kind = .io
  ) -> Problem {
    let isFull = error == .noSpace || error == .diskQuotaExceeded
    return Problem(
      isFull ? .io : kind, "\(what): \(error)", file: path.string,
      remedy: isFull
        ? "free some space and run again"
        : kind == .exists ? "choose a place where you may write" : "check the disk and try again")
  }

  /// Makes a directory with the mode that the umask leaves.
  /// - Returns: false where the name is taken.
  static func makeDirectory(_ path: FilePath) throws -> Bool {
    if mkdir(path.string, 0o777) == 0 { return true }
    if errno == EEXIST { return false }
    throw failure("the output cannot be created", path, as: .exists)
  }

  /// Creates a file that does not exist yet, with the mode that the umask leaves.
  static func createFile(_ path: FilePath) throws -> FileDescriptor {
    do {
      return try FileDescriptor.open(
        path, .writeOnly, options: [.create, .exclusiveCreate],
        permissions: FilePermissions(rawValue: 0o666))
    } catch let error as Errno {
      throw failure("the output cannot be created", path, error, as: .exists)
    }
  }

  /// Creates a file and reserves its blocks where the system can; leaves nothing on failure.
  static func createFile(_ path: FilePath, reserving count: Int) throws -> FileDescriptor {
    let descriptor = try createFile(path)
    do {
      try reserve(descriptor, count, path)
      return descriptor
    } catch {
      try? descriptor.close()
      unlink(path.string)
      throw error
    }
  }

  /// Reserves the blocks of a file where the system can.
  static func reserve(_ descriptor: FileDescriptor, _ count: Int, _ path: FilePath) throws {
    #if canImport(Glibc) || canImport(Musl)
      guard count > 0 else { return }
      let error = posix_fallocate(descriptor.rawValue, 0, off_t(count))
      if error == ENOSPC || error == EFBIG || error == EDQUOT {
        throw failure("no room for \(count) bytes", path, Errno(rawValue: error))
      }
    #endif
  }

  /// Waits until a file or directory is on the disk.
  static func synchronise(_ path: FilePath) throws {
    let descriptor = open(path.string, O_RDONLY)
    guard descriptor >= 0 else { throw failure("cannot open what was written", path) }
    defer { close(descriptor) }
    try synchronise(FileDescriptor(rawValue: descriptor), path)
  }

  /// Waits until an open file or directory is on the disk.
  static func synchronise(_ descriptor: FileDescriptor, _ path: FilePath) throws {
    // Some network file systems cannot sync a directory and say so with EINVAL.
    guard fsync(descriptor.rawValue) == 0 || errno == EINVAL else {
      throw failure("cannot write to the disk", path)
    }
  }

  /// Removes a file, or a directory with all it holds; links are not followed.
  static func removeTree(_ path: FilePath) throws {
    if FileKind(path, followingLinks: false) == .directory {
      for name in try DirectoryListing.names(path) { try removeTree(path.appending(name)) }
      guard rmdir(path.string) == 0 else { throw failure("cannot remove", path) }
    } else {
      guard unlink(path.string) == 0 else { throw failure("cannot remove", path) }
    }
  }

  /// The path without links and dots, or nil where it leads nowhere.
  static func resolved(_ path: FilePath) -> FilePath? {
    guard let text = realpath(path.string, nil) else { return nil }
    defer { free(text) }
    return FilePath(String(cString: text))
  }
}
