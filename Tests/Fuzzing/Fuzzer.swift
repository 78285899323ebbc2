import CFuzzing
import Diagnostics
import Platform

/// `graft-fuzz READER [options of libFuzzer]`: gives one reader inputs that nobody meant.
///
/// What a reader refuses with a `Problem` is well. Anything else it throws, a trap, memory that it
/// must not touch, more memory than its bound, more than ten seconds of processor time or more time
/// than `-timeout` ends the process with a file that holds the input.
@main
enum Fuzzer {
  static func main() {
    let arguments = CommandLine.arguments
    if arguments.dropFirst() == ["--list"] {
      for target in FuzzTarget.allCases { print(target.rawValue) }
      return
    }
    guard let name = arguments.dropFirst().first, let target = FuzzTarget(rawValue: name) else {
      fatalError("name a reader: \(FuzzTarget.allCases.map(\.rawValue))")
    }
    chosen = target
    fuzz_count_allocations()
    var count = Int32(arguments.count - 1)
    var options: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv + 1
    _ = fuzz_run(&count, &options) { bytes, count in
      Fuzzer.run(UnsafeRawBufferPointer(start: bytes, count: count))
      return 0
    }
  }

  nonisolated(unsafe) private static var chosen = FuzzTarget.json

  private static func run(_ input: UnsafeRawBufferPointer) {
    fuzz_reset_peak()
    let start = clock()
    do {
      try chosen.read(input)
    } catch is Problem {
    } catch {
      fatalError("a reader threw what is no problem: \(error)")
    }
    // The clock counts microseconds of processor time.
    guard clock() - start <= 10_000_000 else { fatalError("more than ten seconds") }
    let used = Int(fuzz_peak())
    guard used <= chosen.bound(of: input.count) else {
      fatalError(
        "\(used) bytes for an input of \(input.count), at most \(chosen.bound(of: input.count))")
    }
  }
}
