import Dispatch
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Runs numbered tasks on a fixed number of threads; a free thread takes the next task.
///
/// A task computes the same whoever runs it, so results do not depend on the number of threads.
final class ThreadPool: Sendable {
  let threads: Int
  private let next = Atomic<Int>(0)

  /// A pool of the given size; 0 stands for the active cores.
  init(threads: Int) {
    self.threads = threads > 0 ? threads : max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
  }

  /// Calls `body` for every task; `worker` is below `threads` and never used twice at a time.
  func run(_ tasks: Int, _ body: (_ task: Int, _ worker: Int) -> Void) {
    let workers = min(threads, tasks)
    guard workers > 1 else {
      for task in 0..<tasks { body(task, 0) }
      return
    }
    next.store(0, ordering: .relaxed)
    withoutActuallyEscaping(body) { body in
      // Tasks write to different memory, and all of them end before this returns.
      nonisolated(unsafe) let body = body
      DispatchQueue.concurrentPerform(iterations: workers) { worker in
        while true {
          let task = next.wrappingAdd(1, ordering: .relaxed).oldValue
          if task >= tasks { return }
          body(task, worker)
        }
      }
    }
  }

  /// Calls `body` for consecutive ranges that cover `0..<count`.
  func run(_ count: Int, by length: Int, _ body: (Range<Int>) -> Void) {
    run((count + length - 1) / length) { task, _ in
      body(task * length..<min(count, (task + 1) * length))
    }
  }
}
