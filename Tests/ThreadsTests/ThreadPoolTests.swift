import Foundation
import Testing
import Threads

@Suite struct ThreadPoolTests {
  @Test(arguments: [1, 2, 3, 7])
  func everyTaskRunsOnce(_ threads: Int) {
    let pool = ThreadPool(threads: threads)
    let counts = Tally(1000)
    for round in 1...200 {
      let tasks = round * 5
      let workers = Tally(threads)
      pool.run(tasks) { task, worker in
        #expect(worker < threads)
        counts[task] += 1
        workers[worker] += 1
      }
      #expect((0..<threads).reduce(0) { $0 + workers[$1] } == tasks)
    }
    #expect((0..<1000).allSatisfy { counts[$0] == 200 - $0 / 5 })
  }

  @Test func rangesCoverAll() {
    let pool = ThreadPool(threads: 2)
    let counts = Tally(100)
    pool.run(100, by: 7) { range in
      for index in range { counts[index] += 1 }
    }
    #expect((0..<100).allSatisfy { counts[$0] == 1 })
  }

  /// A pool that slept between two jobs runs the second as well; many pools end without waiting.
  @Test func sleepersWakeAndEnd() {
    for _ in 0..<50 {
      let pool = ThreadPool(threads: 4)
      for _ in 0..<2 {
        let sums = Tally(64)
        pool.run(64) { task, _ in sums[task] = 1 }
        #expect((0..<64).reduce(0) { $0 + sums[$1] } == 64)
        usleep(500)
      }
    }
  }

  @Test(arguments: [1, 3])
  func mapKeepsOrderAndThrows(_ threads: Int) throws {
    struct Odd: Error, Equatable { let item: Int }
    let pool = ThreadPool(threads: threads)
    #expect(try pool.map(Array(0..<500)) { $0 * 2 } == (0..<500).map { $0 * 2 })
    #expect(throws: Odd(item: 7)) {
      try pool.map([2, 4, 7, 9, 10]) { item in
        if item % 2 == 1 { throw Odd(item: item) }
      }
    }
  }
}

/// Counters that tasks write without a lock, each its own.
private final class Tally: @unchecked Sendable {
  private let counts: UnsafeMutablePointer<Int>

  init(_ count: Int) {
    counts = .allocate(capacity: count)
    counts.initialize(repeating: 0, count: count)
  }

  deinit { counts.deallocate() }

  subscript(index: Int) -> Int {
    get { counts[index] }
    set { counts[index] = newValue }
  }
}
