import Platform
import Synchronization

/// Runs numbered tasks on a fixed number of threads; a free thread takes the next task.
///
/// A task computes the same whoever runs it, so results do not depend on the number of threads. The
/// threads are started when they are first needed and live as long as the pool, which serves one
/// caller at a time.
package final class ThreadPool: Sendable {
  package let threads: Int
  private let team: ThreadTeam

  /// A pool of the given size; 0 stands for the active cores.
  package init(threads: Int) {
    self.threads = threads > 0 ? threads : max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    team = ThreadTeam(helpers: self.threads - 1)
  }

  deinit { team.dismiss() }

  /// Calls `body` for every task; `worker` is below `threads` and never used twice at a time.
  package func run(_ tasks: Int, _ body: (_ task: Int, _ worker: Int) -> Void) {
    guard threads > 1, tasks > 1 else {
      for task in 0..<tasks { body(task, 0) }
      return
    }
    team.run(tasks, body)
  }

  /// Calls `body` for consecutive ranges that cover `0..<count`.
  package func run(_ count: Int, by length: Int, _ body: (Range<Int>) -> Void) {
    run((count + length - 1) / length) { task, _ in
      body(task * length..<min(count, (task + 1) * length))
    }
  }

  /// Transforms every item.
  /// - Throws: what `body` threw for the first item for which it did.
  package func map<Item, Output: Sendable>(
    _ items: [Item], _ body: (Item) throws -> Output
  ) throws -> [Output] {
    let results = Mutex<[Result<Output, any Error>?]>(Array(repeating: nil, count: items.count))
    run(items.count) { index, _ in
      let result = Result { try body(items[index]) }
      results.withLock { $0[index] = result }
    }
    return try results.withLock { try $0.compactMap { try $0?.get() } }
  }
}
