import Foundation

/// Times parts of the runtime, for `scripts/bench.py`.
///
/// ```
/// graft-bench serve                    reads tasks from standard input and answers each with its times
/// graft-bench make LAYOUT CONFIG DIR   writes a checkpoint of that configuration, random values
/// ```
@main
enum Bench {
  static func main() throws {
    let arguments = Array(CommandLine.arguments.dropFirst())
    switch (arguments.first, arguments.count) {
    case ("serve", 1): try serve()
    case ("make", 4):
      try RandomCheckpoint(layout: arguments[1], config: arguments[2]).write(to: arguments[3])
    default:
      FileHandle.standardError.write(
        Data("usage: graft-bench serve | make LAYOUT CONFIG DIR\n".utf8))
      exit(64)
    }
  }

  /// One task per line, such as `gemm bf16 512 1024 4096 1`; the answer is processor and wall time in
  /// seconds. What a task needs is made when it is first asked for and kept.
  private static func serve() throws {
    var tasks: [String: () throws -> Void] = [:]
    while let line = readLine() {
      let task = try tasks[line] ?? Task(line).body()
      tasks[line] = task
      let start = Instant.now
      try task()
      let end = Instant.now
      print(end.processor - start.processor, end.wall - start.wall)
      fflush(nil)
    }
  }
}

/// A reading of both clocks.
/// - Units: seconds.
struct Instant {
  let processor, wall: Double

  static var now: Instant {
    Instant(processor: read(CLOCK_PROCESS_CPUTIME_ID), wall: read(CLOCK_MONOTONIC))
  }

  private static func read(_ clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}
