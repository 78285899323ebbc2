import CPlatform
import Diagnostics
import Synchronization
import SystemPackage

/// Mapped files that another process makes shorter while they are read.
///
/// Their missing bytes read as zeros instead of ending the process, so that whoever used a file must call
/// `check(in:)` before what came out of it counts.
public enum Shortening {
  private struct State {
    var watched: [Int32: FilePath] = [:]
    var shortened: Set<FilePath> = []
  }

  private static let state = Mutex(State())

  /// Watches mapped memory until `forget(_:)`.
  static func watch(_ start: UnsafeRawPointer, _ count: Int, _ path: FilePath) -> Int32 {
    let number = file_guard_add(start, count)
    if number >= 0 { state.withLock { $0.watched[number] = path } }
    return number
  }

  static func forget(_ number: Int32) {
    guard number >= 0 else { return }
    state.withLock { state in
      let path = state.watched.removeValue(forKey: number)
      if file_guard_was_hit(number) != 0, let path { state.shortened.insert(path) }
    }
    file_guard_remove(number)
  }

  /// Refuses what was read if a file became shorter.
  /// - Parameter directory: where to look; everywhere if nil.
  /// - Throws: `Problem` of kind `io`, naming the file.
  public static func check(in directory: FilePath? = nil) throws {
    let paths = state.withLock { state in
      state.shortened.union(state.watched.filter { file_guard_was_hit($0.key) != 0 }.values)
    }
    guard let path = paths.first(where: { path in directory.map(path.starts(with:)) ?? true })
    else { return }
    throw Problem(
      .io, "the file became shorter while it was read", file: path.string,
      remedy: "let nobody write to the file and run again")
  }
}
