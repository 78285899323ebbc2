import Synchronization

/// Work that goes on in steps, so that one thread can do two pieces of it beside each other where that takes
/// less time than one after the other.
package protocol SteppedWork: AnyObject {
  /// Whether no step is left.
  var isDone: Bool { get }
  /// Goes on by a step with one piece of work, or with two of which none is done; both may be at different ends.
  static func step(_ first: Self, _ second: Self?) throws
  /// Called once no step is left.
  func finish() throws
}

extension ThreadPool {
  /// Does numbered tasks, up to two at a time on each thread, but never two where another thread has none.
  /// - Parameter begin: begins a task; nil for one that is done by that.
  /// - Throws: the first error; nothing begins after it, and what other threads have begun comes to its end.
  package func runInPairs<Work: SteppedWork>(_ tasks: Int, begin: (Int) throws -> Work?) throws {
    let queue = TaskQueue(tasks: tasks, threads: min(threads, tasks))
    run(min(threads, tasks)) { _, _ in queue.catching { try queue.work(begin) } }
    try queue.throwIfAny()
  }
}

/// Tasks that threads take one after the other, up to the first error.
private final class TaskQueue: Sendable {
  private struct State {
    var next = 0
    /// How many threads have nothing to do, or have not come yet.
    var idle: Int
    var error: (any Error)?
  }

  private let tasks: Int
  private let state: Mutex<State>

  init(tasks: Int, threads: Int) {
    self.tasks = tasks
    state = Mutex(State(idle: threads))
  }

  /// What one thread does.
  func work<Work: SteppedWork>(_ begin: (Int) throws -> Work?) throws {
    var begun: [Work] = []
    while true {
      while begun.count < 2, let task = take(beside: begun.count) {
        if let work = try begin(task) { begun.append(work) } else if begun.isEmpty { rest() }
      }
      guard let first = begun.first else { return }
      if let done = begun.firstIndex(where: \.isDone) {
        try begun.remove(at: done).finish()
        if begun.isEmpty { rest() }
      } else {
        try Work.step(first, begun.dropFirst().first)
      }
    }
  }

  /// The next task; nil where none is left, or, beside another, where those left are for threads that have none.
  private func take(beside others: Int) -> Int? {
    state.withLock { state in
      let left = tasks - state.next - (others > 0 ? state.idle : 0)
      guard left > 0, state.error == nil else { return nil }
      if others == 0 { state.idle -= 1 }
      state.next += 1
      return state.next - 1
    }
  }

  /// A thread has nothing to do.
  private func rest() { state.withLock { $0.idle += 1 } }

  func catching(_ body: () throws -> Void) {
    do { try body() } catch {
      state.withLock { state in if state.error == nil { state.error = error } }
    }
  }

  func throwIfAny() throws {
    if let error = state.withLock({ $0.error }) { throw error }
  }
}
