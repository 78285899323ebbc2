import Diagnostics
import Platform
import SystemPackage

/// What calls of the operating system have in common, each failing with a `Problem`.
enum FileSystem {
  /// The problem that a call has just failed, told apart by `errno`.
  static func failure(_ what: String, _ path: FilePath, as kind: Problem.Kind = .io) -> Problem {
    failure(what, path, Errno(rawValue: errno), as: kind)
  }

  /// The problem that a call failed; a full disk is an I/O error whatever was tried.
  static func failure(
    _ what: String, _ path: FilePath, _ error: Errno, as kind: Problem.Kind = .io
  ) -> Problem {
    switch error {
    case .noSpace, .diskQuotaExceeded:
      Problem(.io, "\(what): \(error)", file: path.string, remedy: "free some space and run again")
    case .fileTooLarge:
      Problem(
        .io, "\(what): \(error)", file: path.string,
        remedy: "raise the limit on the size of files (ulimit -f), or choose another disk")
    default:
      Problem(
        kind, "\(what): \(error)", file: path.string,
        remedy: kind == .exists
          ? "choose a place where you may write" : "check the disk and try again")
    }
  }

  /// Reserves the blocks of a file where the system can.
  static func reserve(_ descriptor: FileDescriptor, _ count: Int, _ path: FilePath) throws {
    #if !canImport(Darwin)
      guard count > 0 else { return }
      let error = posix_fallocate(descriptor.rawValue, 0, off_t(count))
      if error == ENOSPC || error == EFBIG || error == EDQUOT {
        throw failure("no room for \(count) bytes", path, Errno(rawValue: error))
      }
    #endif
  }

  /// Waits until an open file or directory is on the disk.
  static func synchronise(_ descriptor: FileDescriptor, _ path: FilePath) throws {
    // Some network file systems cannot sync a directory and say so with EINVAL.
    guard fsync(descriptor.rawValue) == 0 || errno == EINVAL else {
      throw failure("cannot write to the disk", path)
    }
  }

  /// The path without links and dots, or nil where it leads nowhere.
  static func resolved(_ path: FilePath) -> FilePath? {
    guard let text = path.withPlatformString({ realpath($0, nil) }) else { return nil }
    defer { free(text) }
    return FilePath(platformString: text)
  }
}
