import Diagnostics
import Platform
import SystemPackage

/// Locks on whole files, which end with the process at the latest.
enum FileLock {
  /// Takes the lock of an open file, or closes the file.
  /// - Parameters:
  ///   - isShared: whether others may have it as well.
  ///   - held: what to say where another process has it.
  /// - Throws: `held`, or `Problem` of kind `io` where the file system has no locks.
  static func take(
    _ descriptor: FileDescriptor, isShared: Bool = false, of path: FilePath,
    held: @autoclosure () -> Problem
  ) throws {
    guard flock(descriptor.rawValue, (isShared ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0 else { return }
    let code = Errno(rawValue: errno)
    try? descriptor.close()
    if code == .wouldBlock { throw held() }
    throw Problem(
      .io, "the file system does not lock files: \(code)", file: path.string,
      remedy: "have it mounted with locks (flock), or write to another file system")
  }
}
