import CSignals
import Synchronization
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The outputs that the process is writing; a signal that ends the process removes them first.
public enum UnfinishedOutputs {
  private static let paths = Mutex<Set<FilePath>>([])

  /// Makes an output that has no name of its own yet, and remembers it where `body` says that it is
  /// there.
  static func begin(_ path: FilePath, _ body: () throws -> Bool) rethrows -> Bool {
    try paths.withLock { paths in
      guard try body() else { return false }
      paths.insert(path)
      return true
    }
  }

  /// Gives an output its name or removes it, which no signal interrupts, and forgets it.
  static func finish(_ path: FilePath, _ body: () throws -> Void) rethrows {
    try paths.withLock { paths in
      try body()
      paths.remove(path)
    }
  }

  /// From now on SIGINT, SIGTERM and SIGHUP remove the outputs; the process then ends with the exit
  /// code 128 and the number of the signal, as a shell tells it. To be called once.
  public static func removeOnSignals() {
    _ = signals_on_end { number in
      // Nobody else gives an output its name, fails or ends any more.
      UnfinishedOutputs.paths.withLock { paths in
        paths.forEach(UnfinishedOutputs.remove)
        let text = "graft: stopped by a signal; the output is not finished and was removed\n"
        if paths.isEmpty { _exit(128 + number) }
        _ = text.withCString { write(2, $0, strlen($0)) }
        _exit(128 + number)
      }
    }
  }

  /// Removes an output into which other threads may still be writing.
  private static func remove(_ path: FilePath) {
    for _ in 0..<200 where FileKind(path, followingLinks: false) != .absent {
      try? FileSystem.removeTree(path)
      usleep(5000)
    }
  }
}
