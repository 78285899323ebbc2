import Synchronization
import Testing
import Threads

@Suite struct SteppedWorkTests {
  /// Work of some steps that counts them.
  private final class Steps: SteppedWork {
    let task: Int
    var left: Int
    let log: Log

    init(_ task: Int, _ left: Int, _ log: Log) {
      (self.task, self.left, self.log) = (task, left, log)
    }

    var isDone: Bool { left == 0 }

    static func step(_ first: Steps, _ second: Steps?) throws {
      if second != nil { first.log.entries.withLock { $0.pairs += 1 } }
      for work in [first, second].compactMap({ $0 }) {
        guard work.left > 0 else { throw Failure(task: work.task) }
        work.left -= 1
        if work.task == work.log.failing, work.left == 1 { throw Failure(task: work.task) }
      }
    }

    func finish() { log.entries.withLock { $0.finished.append(task) } }
  }

  private final class Log: Sendable {
    let failing: Int?
    let entries = Mutex((finished: [Int](), begun: [Int](), pairs: 0))

    init(failing: Int? = nil) { self.failing = failing }
  }

  private struct Failure: Error, Equatable { let task: Int }

  private func run(_ tasks: Int, threads: Int, _ log: Log) throws {
    try ThreadPool(threads: threads).runInPairs(tasks) { task -> Steps? in
      log.entries.withLock { $0.begun.append(task) }
      return task % 5 == 4 ? nil : Steps(task, task % 7, log)
    }
  }

  @Test(arguments: [1, 2, 5], [0, 1, 2, 3, 200])
  func everyTaskIsDoneOnce(threads: Int, tasks: Int) throws {
    let log = Log()
    try run(tasks, threads: threads, log)
    let (finished, begun) = log.entries.withLock { ($0.finished.sorted(), $0.begun.sorted()) }
    #expect(begun == Array(0..<tasks))
    #expect(finished == (0..<tasks).filter { $0 % 5 != 4 })
  }

  @Test func oneThreadDoesTwoAtATime() throws {
    let log = Log()
    try run(20, threads: 1, log)
    #expect(log.entries.withLock { $0.pairs } > 10)
  }

  /// As many tasks as threads: none goes beside another while a thread may have none.
  @Test func noThreadIsLeftWithoutWork() throws {
    let log = Log()
    try ThreadPool(threads: 4).runInPairs(4) { Steps($0, 3, log) }
    #expect(log.entries.withLock { $0.finished.count } == 4)
  }

  @Test(arguments: [1, 3])
  func nothingBeginsAfterAnError(threads: Int) throws {
    let log = Log(failing: 3)
    #expect(throws: Failure(task: 3)) { try run(100, threads: threads, log) }
    #expect(log.entries.withLock { $0.begun.count } < 100)
  }
}
