import CPlatform
import Platform
import Synchronization
import SystemPackage

/// The outputs that the process is writing; a signal that ends the process removes them first.
public enum UnfinishedOutputs {
  /// Removes what the process created of an output, and may wait for no lock but its own.
  /// - Returns: whether nothing is left to be removed.
  typealias Removal = @Sendable () -> Bool

  private static let removals = Mutex<[FilePath: Removal]>([:])

  /// Makes an output that has no name of its own yet, and remembers how it is removed where `body`
  /// says so.
  static func begin<Result: Sendable>(
    _ path: FilePath, _ body: () throws -> (Result, Removal?)
  ) rethrows -> Result {
    try removals.withLock { removals in
      let (result, removal) = try body()
      if let removal { removals[path] = removal }
      return result
    }
  }

  /// Gives an output its name or removes it, which no signal interrupts, and forgets it.
  static func finish(_ path: FilePath, _ body: () throws -> Void) rethrows {
    try removals.withLock { removals in
      try body()
      removals[path] = nil
    }
  }

  /// From now on SIGINT, SIGTERM and SIGHUP remove the outputs; the process then ends with the exit
  /// code 128 and the number of the signal, as a shell tells it. A file that becomes larger than a
  /// limit of the system is an error of writing and no signal. To be called once.
  public static func removeOnSignals() {
    signal(SIGXFSZ, SIG_IGN)
    _ = signals_on_end { number in
      // From now on no other thread can finish an output, fail, or end the process.
      UnfinishedOutputs.removals.withLock { removals in
        removals.values.forEach(UnfinishedOutputs.remove)
        let text = "graft: stopped by a signal; the output is not finished and was removed\n"
        if removals.isEmpty { _exit(128 + number) }
        _ = text.withCString { write(2, $0, strlen($0)) }
        _exit(128 + number)
      }
    }
  }

  /// Removes an output into which other threads may still be writing.
  private static func remove(_ removal: Removal) {
    for _ in 0..<200 {
      if removal() { return }
      usleep(5000)
    }
  }
}
