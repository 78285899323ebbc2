import Foundation
import Testing

@testable import Runtime

@Suite struct ThreadPoolTests {
  @Test(arguments: [1, 2, 3, 7])
  func everyTaskRunsOnce(_ threads: Int) throws {
    let pool = ThreadPool(threads: threads)
    let counts = try FloatBuffer(1000)
    for round in 1...200 {
      let tasks = round * 5
      let workers = try FloatBuffer(threads)
      pool.run(tasks) { task, worker in
        #expect(worker < threads)
        counts.pointer[task] += 1
        workers.pointer[worker] += 1
      }
      #expect((0..<threads).reduce(0) { $0 + Int(workers.pointer[$1]) } == tasks)
    }
    #expect((0..<1000).allSatisfy { counts.pointer[$0] == Float(200 - $0 / 5) })
  }

  @Test func rangesCoverAll() throws {
    let pool = ThreadPool(threads: 2)
    let counts = try FloatBuffer(100)
    pool.run(100, by: 7) { range in
      for index in range { counts.pointer[index] += 1 }
    }
    #expect((0..<100).allSatisfy { counts.pointer[$0] == 1 })
  }

  /// A pool that slept between two jobs runs the second as well; many pools end without waiting.
  @Test func sleepersWakeAndEnd() throws {
    for _ in 0..<50 {
      let pool = ThreadPool(threads: 4)
      for _ in 0..<2 {
        let sums = try FloatBuffer(64)
        pool.run(64) { task, _ in sums.pointer[task] = 1 }
        #expect((0..<64).reduce(0) { $0 + sums.pointer[$1] } == 64)
        usleep(500)
      }
    }
  }
}
