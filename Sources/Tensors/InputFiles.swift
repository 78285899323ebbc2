import Platform
import Synchronization
import SystemPackage

/// The files that a process has read, so that its outputs replace none of them.
public enum InputFiles {
  private static let paths = Mutex<Set<FilePath>?>(nil)

  /// From now on every file that is opened for reading is an input. A library keeps no such list
  /// unless it is asked to.
  public static func collect() { paths.withLock { $0 = $0 ?? [] } }

  /// Adds a file by its path without links.
  static func add(_ path: FilePath) {
    paths.withLock { paths in
      guard paths != nil, let real = path.withPlatformString({ realpath($0, nil) }) else { return }
      defer { free(real) }
      paths?.insert(FilePath(platformString: real))
    }
  }

  /// An input that has a path without links, or lies below it; nil where none does.
  public static func first(at path: FilePath) -> FilePath? {
    paths.withLock { paths in
      guard let paths else { return nil }
      return paths.contains(path) ? path : paths.first { $0.starts(with: path) }
    }
  }
}
